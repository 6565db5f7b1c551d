//! What is embedded: components that import the contract and the base WASI, and nothing else.

use std::collections::BTreeSet;

use wasmparser::{Encoding, Parser, Payload};

/// The interfaces a component imports, without versions.
fn imports(component: &[u8]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(component) {
        match payload.expect("the bytes are valid") {
            Payload::Version { encoding, .. } if depth == 0 => assert_eq!(encoding, Encoding::Component),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let name = import.expect("the bytes are valid").name.name;
                    found.insert(name.split('@').next().unwrap_or(name).to_owned());
                }
            }
            _ => {}
        }
    }
    found
}

/// The capabilities of the contract a component calls.
fn capabilities(action: &str) -> Vec<String> {
    let bundled = runwright_bundle::find(action).expect("it is in the table");
    let own = |name: String| name.strip_prefix("runwright:plugin/").map(str::to_owned);
    imports(bundled.bytes)
        .into_iter()
        .filter_map(own)
        .filter(|name| !["log", "types"].contains(&name.as_str()))
        .collect()
}

#[test]
fn nothing_but_the_contract_and_wasi_is_imported() {
    for bundled in runwright_bundle::plugins() {
        for name in imports(bundled.bytes) {
            let known = [
                "runwright:plugin/",
                "wasi:cli/",
                "wasi:clocks/",
                "wasi:io/",
                "wasi:random/",
            ];
            assert!(
                known.iter().any(|prefix| name.starts_with(prefix)),
                "{bundled:?} imports {name}"
            );
        }
    }
}

#[test]
fn a_component_imports_only_the_capabilities_it_calls() {
    let table: [(&str, &[&str]); 21] = [
        ("aws:approve", &["approvals"]),
        ("aws:configurePackage", &["commands", "files", "parameters", "waits"]),
        ("aws:downloadContent", &["commands", "parameters"]),
        ("aws:executeAutomation", &["executions"]),
        ("aws:pause", &["waits"]),
        ("aws:runCommand", &["commands", "executions"]),
        ("aws:runDocument", &["executions", "files", "parameters"]),
        ("aws:runPowerShellScript", &["commands", "files", "parameters", "waits"]),
        ("aws:runShellScript", &["commands", "files", "parameters", "waits"]),
        ("aws:sleep", &["waits"]),
        ("aws:softwareInventory", &["commands", "files", "parameters"]),
        ("rw:assert", &[]),
        ("rw:getParameter", &["parameters"]),
        ("rw:httpRequest", &["blobs", "http"]),
        ("rw:powerShell", &["blobs", "commands"]),
        ("rw:putParameter", &["parameters"]),
        ("rw:shell", &["commands"]),
        ("rw:symlink", &["files"]),
        ("rw:template", &["files"]),
        ("rw:waitFor", &["waits"]),
        ("rw:writeFile", &["files"]),
    ];
    assert_eq!(
        table.map(|(action, _)| action).to_vec(),
        runwright_bundle::plugins().iter().map(|p| p.action).collect::<Vec<_>>()
    );
    for (action, expected) in table {
        assert_eq!(capabilities(action), expected, "{action}");
    }
}
