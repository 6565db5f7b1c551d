//! Why a plugin cannot be loaded or described.

use std::path::PathBuf;

use runwright_model::{
    digest::Digest,
    failure::{Failure, FailureKind},
};

use crate::codes;

/// An error of the host. What goes wrong inside a call is a
/// [`Failure`](runwright_model::failure::Failure) instead: it is the plugin's, and it is journalled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Empty, garbage, or text.
    #[error("the plugin is not a WebAssembly component: {reason}")]
    NotAComponent {
        /// What it looks like.
        reason: String,
    },
    /// A core module.
    #[error(
        "the plugin is a core WebAssembly module, not a component: build it for a target that makes components \
         (`wasm32-wasip2` for Rust), or wrap it with `wasm-tools component new`"
    )]
    CoreModule,
    /// Cut off, or it does not validate.
    #[error("the component is damaged: {reason}")]
    Broken {
        /// Where and how.
        reason: String,
    },
    /// Imports that are not offered.
    #[error("the component wants {}, which this engine does not offer; offered are {offered}", listed(.wanted))]
    UnknownImports {
        /// Each with its version, between ticks, and with the nearest name offered after it.
        wanted: Vec<String>,
        /// What there is.
        offered: String,
    },
    /// No `action`, or with other types.
    #[error("the component is for another world than `runwright:plugin/plugin@0.1.0`: {reason}")]
    OtherWorld {
        /// What differs.
        reason: String,
    },
    /// Too many bytes.
    #[error(
        "limit `component-bytes` exceeded: the component has {used} bytes where {limit} are allowed; make it smaller, or raise `component-bytes` under `[limits]` in the operator's runwright.toml"
    )]
    TooLarge {
        /// Its size.
        used: u64,
        /// The limit.
        limit: u64,
    },
    /// Too many parts, or too large ones.
    #[error(
        "the component needs more than the sandbox has: {reason}; make it of fewer or smaller parts, or raise `memory-bytes`, `table-elements` or `modules` under `[limits]` in the operator's runwright.toml"
    )]
    TooManyParts {
        /// The runtime's words.
        reason: String,
    },
    /// Compiling it took too much.
    #[error(
        "limit `{which}` exceeded: compiling the component takes more than {}; make it smaller, or raise `{which}` under `[limits]` in runwright.toml",
        measure(.which, *.limit)
    )]
    CompileLimit {
        /// The limit's name.
        which: &'static str,
        /// Its value.
        limit: u64,
    },
    /// The compiler ended on it.
    #[error("the compiler crashed on the component ({how}){words}; it is not used, and the engine goes on")]
    CompilerCrashed {
        /// How the process ended.
        how: String,
        /// What it said, with a colon before it.
        words: String,
    },
    /// The program that compiles cannot be used.
    #[error("the compiler {} cannot be used: {reason}", program.display())]
    Compiler {
        /// The program.
        program: PathBuf,
        /// Why.
        reason: String,
    },
    /// Nobody has it.
    #[error(
        "the component {0} is neither bundled nor in the store: start a runbook that names its file to put it back"
    )]
    Missing(Digest),
    /// Other bytes than the digest says.
    #[error("the bytes kept as {wanted} are those of {found}: check the store, they will not be run")]
    WrongBytes {
        /// The digest asked for.
        wanted: Digest,
        /// The digest of what came.
        found: Digest,
    },
    /// The cache folder cannot be trusted or used.
    #[error("the cache folder {} cannot be used: {reason}", folder.display())]
    CacheFolder {
        /// Which.
        folder: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// The runtime does not start.
    #[error("the Wasm runtime does not start: {reason}")]
    Engine {
        /// Its own words.
        reason: String,
    },
    /// The manifest has mistakes.
    #[error("the plugin's manifest cannot be used: {}", problems.join("; "))]
    Manifest {
        /// Every mistake found.
        problems: Vec<String>,
    },
    /// `describe` failed.
    #[error("the plugin cannot describe itself: {}", .0.message)]
    Describe(Box<Failure>),
}

/// `a`, `a and b`, `a, b and c`.
fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [word] => word.clone(),
        [words @ .., last] => format!("{} and {last}", words.join(", ")),
    }
}

/// A limit's value as people read it.
fn measure(which: &str, limit: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    match which {
        "compile-memory-bytes" => format!("{limit} bytes ({} MiB) of memory", limit / MIB),
        "compile-cpu-ms" => format!("{limit} ms of computing"),
        _ => format!("{limit} ms"),
    }
}

impl Error {
    /// The stable code, for `explain`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAComponent { .. } => codes::NOT_A_COMPONENT,
            Self::CoreModule => codes::CORE_MODULE,
            Self::Broken { .. } => codes::BROKEN,
            Self::UnknownImports { .. } => codes::UNKNOWN_IMPORT,
            Self::OtherWorld { .. } => codes::OTHER_WORLD,
            Self::TooLarge { .. } => codes::TOO_LARGE,
            Self::TooManyParts { .. } => codes::TOO_MANY_PARTS,
            Self::CompileLimit { .. } => codes::COMPILE_LIMIT,
            Self::CompilerCrashed { .. } => codes::COMPILER_CRASHED,
            Self::Compiler { .. } => codes::COMPILER,
            Self::Missing(_) => codes::MISSING,
            Self::WrongBytes { .. } => codes::WRONG_BYTES,
            Self::CacheFolder { .. } => codes::CACHE_FOLDER,
            Self::Engine { .. } => codes::ENGINE,
            Self::Manifest { .. } => codes::MANIFEST,
            Self::Describe(_) => codes::DESCRIBE,
        }
    }

    /// The failure of a step whose plugin cannot be loaded.
    #[must_use]
    pub fn into_failure(self) -> Failure {
        let kind = match self {
            Self::NotAComponent { .. }
            | Self::CoreModule
            | Self::Broken { .. }
            | Self::UnknownImports { .. }
            | Self::OtherWorld { .. }
            | Self::CompilerCrashed { .. }
            | Self::Manifest { .. }
            | Self::Describe(_) => FailureKind::Plugin,
            Self::TooLarge { .. } | Self::TooManyParts { .. } | Self::CompileLimit { .. } => FailureKind::LimitExceeded,
            Self::Missing(_)
            | Self::WrongBytes { .. }
            | Self::CacheFolder { .. }
            | Self::Engine { .. }
            | Self::Compiler { .. } => FailureKind::Internal,
        };
        // The same bytes fail alike, whatever the kind says of others.
        Failure {
            retryable: false,
            ..Failure::new(kind, self.to_string()).with_code(self.code())
        }
    }
}
