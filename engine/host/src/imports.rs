//! Whether a component fits: what it imports is offered, and it exports an action.

use wasmtime::{
    Engine,
    component::{Component, types},
};

use crate::{Error, capability::CAPABILITIES, contract::VERSIONS, logbook::shown, trap, wasi};

/// The package of our interfaces.
const PACKAGE: &str = "runwright:plugin";
/// What every plugin exports, in a version that is served.
const ACTION: &str = "action";

/// The newest version, which new plugins are built for.
fn newest() -> &'static str {
    VERSIONS.last().expect("there is a version")
}

fn full(interface: &str, version: &str) -> String {
    format!("{PACKAGE}/{interface}@{version}")
}

/// Checks imports and exports by name. Their types are checked when the component is linked.
pub(crate) fn check(engine: &Engine, component: &Component) -> Result<(), Error> {
    let component = component.component_type();
    let imports = component.imports(engine).map(|(name, _)| name);
    let unknown: Vec<&str> = imports.filter(|name| !is_offered(name)).collect();
    if !unknown.is_empty() {
        return Err(not_offered(&unknown));
    }
    check_exports(engine, &component)
}

fn check_exports(engine: &Engine, component: &types::Component) -> Result<(), Error> {
    let exports: Vec<&str> = component.exports(engine).map(|(name, _)| name).collect();
    if VERSIONS
        .iter()
        .any(|version| exports.contains(&full(ACTION, version).as_str()))
    {
        return Ok(());
    }
    let action = full(ACTION, newest());
    let reason = if exports.iter().any(|name| name.starts_with("wasi:cli/run@")) {
        format!("it is a program (`wasi:cli/run`), and a plugin exports `{action}`")
    } else if exports.is_empty() {
        format!("it exports nothing, and a plugin exports `{action}`")
    } else {
        format!(
            "it exports {}, and a plugin exports `{action}`",
            trap::short(&format!("`{}`", exports.join("`, `")))
        )
    };
    Err(Error::OtherWorld { reason })
}

/// Whether an import of this name is linked: ours at exactly a version that is served, WASI at any 0.2.
fn is_offered(name: &str) -> bool {
    let (interface, version) = name.split_once('@').unwrap_or((name, ""));
    match interface.strip_prefix(PACKAGE).and_then(|rest| rest.strip_prefix('/')) {
        Some(ours) => VERSIONS.contains(&version) && CAPABILITIES.iter().any(|c| c.name == ours),
        None => version.starts_with("0.2.") && wasi::OFFERED.contains(&interface),
    }
}

/// The error that names them, each with the nearest name there is.
fn not_offered(unknown: &[&str]) -> Error {
    let ours: Vec<&str> = CAPABILITIES.iter().map(|c| c.name).collect();
    let mut wanted: Vec<String> = unknown.iter().take(NAMED_MAX).map(|name| one(name)).collect();
    if let more @ 1.. = unknown.len().saturating_sub(NAMED_MAX) {
        wanted.push(format!("{more} more"));
    }
    Error::UnknownImports {
        wanted,
        offered: format!(
            "`{}` ({}) and WASI 0.2 without `wasi:http`",
            full("…", newest()),
            ours.join(", ")
        ),
    }
}

fn one(wanted: &str) -> String {
    let shown = shown(wanted, NAME_BYTES_MAX, 0);
    nearest(wanted).map_or_else(
        || format!("`{shown}`"),
        |name| format!("`{shown}` (did you mean `{name}`?)"),
    )
}

fn nearest(wanted: &str) -> Option<String> {
    let ours = CAPABILITIES.iter().map(|c| full(c.name, newest()));
    let names = ours.chain(wasi::OFFERED.iter().map(|name| format!("{name}@0.2")));
    let bare = |name: &str| name.split('@').next().unwrap_or_default().to_owned();
    names
        .map(|name| (strsim::jaro_winkler(&bare(&name), &bare(wanted)), name))
        .filter(|(likeness, _)| *likeness > LIKENESS_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// Names less alike than this are not proposed.
const LIKENESS_MIN: f64 = 0.85;
/// So many are named in one error, each with at most so many bytes: a stranger chose them.
const NAMED_MAX: usize = 10;
const NAME_BYTES_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count() {
        assert!(is_offered("runwright:plugin/files@0.1.0"));
        assert!(!is_offered("runwright:plugin/files@0.2.0"));
        assert!(!is_offered("runwright:plugin/files"));
        assert!(is_offered("wasi:io/poll@0.2.9"));
        assert!(!is_offered("wasi:io/poll@0.3.0"));
        assert!(!is_offered("wasi:http/outgoing-handler@0.2.0"));
    }

    #[test]
    fn the_nearest_name_is_proposed() {
        let error = not_offered(&["runwright:plugin/file@0.1.0", "acme:things/else@1.0.0"]).to_string();
        let wants = "wants `runwright:plugin/file@0.1.0` (did you mean `runwright:plugin/files@0.1.0`?) and \
                     `acme:things/else@1.0.0`, which";
        assert!(error.contains(wants), "{error}");
    }

    #[test]
    fn a_great_number_of_names_makes_no_great_error() {
        let name = "x".repeat(10_000);
        let error = not_offered(&vec![name.as_str(); 1_000]).to_string();
        assert!(error.contains(" and 990 more, which") && error.len() < 4_000, "{error}");
    }
}
