//! Components pushed, pulled, signed and refused: against a real registry, where one is installed, and against servers
//! that do all they should not.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
#![expect(clippy::print_stderr, reason = "what is skipped is told")]

mod hostile;
mod real;
mod server;

use std::path::Path;

use bytes::Bytes;
use runwright_registry::{Facts, Reference, Registry, Settings};

/// The cache of a machine of its own.
fn registry(folder: &Path, settings: Settings) -> Registry {
    Registry::new(&folder.join("registry"), settings)
}

fn facts(version: &str) -> Facts {
    Facts {
        action: "acme:drain".into(),
        version: version.into(),
        description: "Drains.".into(),
        imports: vec!["runwright:plugin/waits@0.1.0".into()],
        exports: vec!["runwright:plugin/action@0.1.0".into()],
    }
}

fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

/// As large as a real one, so that it travels in more than one piece.
fn component() -> Bytes {
    let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
    bytes.extend((0..300_000_u32).flat_map(u32::to_le_bytes));
    bytes.into()
}
