//! The plugins that come with Runwright, as WebAssembly components.
//!
//! The build script compiles every plugin of its table for `wasm32-wasip2` and embeds the
//! components, so that one binary has all it needs.
//!
//! ```
//! let sleep = runwright_bundle::find("aws:sleep").expect("it comes with the engine");
//! assert_eq!(sleep.package, "runwright-plugin-sleep");
//! assert!(sleep.bytes.starts_with(b"\0asm"));
//! ```
//!
//! # What this crate does not do
//!
//! It loads nothing and grants nothing: the bytes are given to the engine as those of any other plugin.

/// A plugin that comes with the engine.
#[derive(Clone, Copy)]
pub struct Bundled {
    /// The action it provides.
    pub action: &'static str,
    /// The crate it is made from.
    pub package: &'static str,
    /// The component.
    pub bytes: &'static [u8],
}

impl std::fmt::Debug for Bundled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Bundled({} from {}, {} bytes)",
            self.action,
            self.package,
            self.bytes.len()
        )
    }
}

/// A component that is not embedded: it is too large, or built with tools that not everybody has. What its actions are is
/// known without it.
#[derive(Debug, Clone, Copy)]
pub struct Outside {
    /// Its file in a plugin folder.
    pub file: &'static str,
    /// What its actions are, as JSON: manifests in the model's form.
    pub actions: &'static str,
    /// The language it runs, for people.
    pub language: &'static str,
    /// The command that builds it, in the source tree.
    pub build: &'static str,
}

/// All of them.
pub const OUTSIDE: [Outside; 2] = [
    Outside {
        file: "python.wasm",
        actions: include_str!("../../../plugins/python/actions.json"),
        language: "Python",
        build: "cargo xtask python",
    },
    Outside {
        file: "script.wasm",
        actions: include_str!("../../../plugins/script/actions.json"),
        language: "JavaScript",
        build: "cargo xtask script",
    },
];

include!(concat!(env!("OUT_DIR"), "/plugins.rs"));

/// All of them, sorted by action.
#[must_use]
pub fn plugins() -> &'static [Bundled] {
    &COMPONENTS
}

/// The plugin that provides this action.
#[must_use]
pub fn find(action: &str) -> Option<&'static Bundled> {
    COMPONENTS.iter().find(|bundled| bundled.action == action)
}
