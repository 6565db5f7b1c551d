//! Whether a component fits: what it imports is offered, and it exports an action.

use wasmtime::{
    Engine,
    component::{Component, types},
};

use crate::{Error, capability::CAPABILITIES, contract::VERSIONS, trap, wasi};

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
    let mut imports = component.imports(engine);
    if let Some((wanted, _)) = imports.find(|(name, _)| !is_offered(name)) {
        return Err(unknown(wanted));
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

fn unknown(wanted: &str) -> Error {
    let names: Vec<String> = CAPABILITIES
        .iter()
        .map(|c| full(c.name, newest()))
        .chain(wasi::OFFERED.iter().map(|name| format!("{name}@0.2")))
        .collect();
    let bare = |name: &str| name.split('@').next().unwrap_or(name).to_owned();
    let nearest = names
        .iter()
        .map(|name| (strsim::jaro_winkler(&bare(name), &bare(wanted)), name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > LIKENESS_MIN)
        .map(|(_, name)| name.clone());
    let ours: Vec<&str> = CAPABILITIES.iter().map(|c| c.name).collect();
    Error::UnknownImport {
        wanted: trap::short(wanted),
        nearest,
        offered: format!(
            "`{}` ({}) and WASI 0.2 without `wasi:http`",
            full("…", newest()),
            ours.join(", ")
        ),
    }
}

/// Names less alike than this are not proposed.
const LIKENESS_MIN: f64 = 0.85;

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
        let error = unknown("runwright:plugin/file@0.1.0").to_string();
        assert!(error.contains("wants `runwright:plugin/file@0.1.0`"), "{error}");
        assert!(
            error.contains("did you mean `runwright:plugin/files@0.1.0`?"),
            "{error}"
        );
        assert!(!unknown("acme:things/else@1.0.0").to_string().contains("did you mean"));
    }
}
