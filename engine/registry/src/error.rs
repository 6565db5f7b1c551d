//! Why a component cannot be had, or must not be used.

use std::path::PathBuf;

use runwright_model::digest::Digest;
use semver::Version;

use crate::codes;

/// An error of registries, folders and signatures. Credentials and keys are in none of them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text that names no component.
    #[error("`{text}` names no component in a registry: {why}; write it as `registry.example/acme/drain:1.0.0`")]
    Reference {
        /// The text.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// No connection, or one that broke.
    #[error("the registry {host} cannot be reached: {why}")]
    Unreachable {
        /// The registry.
        host: String,
        /// What the network said.
        why: String,
    },
    /// An answer against the protocol.
    #[error("the registry {host} gave an answer that makes no sense: {why}; is it an OCI registry?")]
    Garbage {
        /// The registry.
        host: String,
        /// What was wrong with it.
        why: String,
    },
    /// 401 or 403.
    #[error(
        "the registry {host} does not let {who} {what}: log in with `docker login {host}` or write its `auths` entry"
    )]
    Unauthorized {
        /// The registry.
        host: String,
        /// As whom it was asked.
        who: String,
        /// What was refused.
        what: String,
    },
    /// 404.
    #[error("there is no {what} in the registry {host}")]
    NotFound {
        /// The registry.
        host: String,
        /// What was asked for.
        what: String,
    },
    /// Other bytes than their name.
    #[error("{what} is not what was pinned: its digest is {found}, not {wanted}; it is not used")]
    WrongDigest {
        /// What came.
        what: String,
        /// The digest it must have.
        wanted: Digest,
        /// The digest it has.
        found: Digest,
    },
    /// Too many bytes.
    #[error(
        "limit `{which}` exceeded: {what} has {used} bytes where {limit} are allowed; make it smaller, or raise `{which}` under `[limits]` in runwright.toml"
    )]
    TooLarge {
        /// The limit's name.
        which: &'static str,
        /// What was too large.
        what: String,
        /// At least so many bytes.
        used: u64,
        /// How many are allowed.
        limit: u64,
    },
    /// Another kind of artifact.
    #[error("{what} is no component: {why}")]
    NotAComponent {
        /// What it is the name of.
        what: String,
        /// What it is instead.
        why: String,
    },
    /// A registry elsewhere, without TLS.
    #[error(
        "the registry {host} is asked with plain HTTP on this machine only: if you trust the network to it, write `plain-http = [\"{host}\"]` under `[registries]` in runwright.toml"
    )]
    PlainHttp {
        /// The registry.
        host: String,
    },
    /// No digest.
    #[error("the plugin {reference} is not pinned: a tag may name something else tomorrow")]
    NotPinned {
        /// Its name in the registry.
        reference: String,
    },
    /// Not here.
    #[error("{what} is not on this machine ({looked}), and the operator lets no registry be asked")]
    Offline {
        /// What is wanted.
        what: String,
        /// Where it was looked for.
        looked: String,
    },
    /// A key that is none.
    #[error("the key {origin} cannot be used: {why}")]
    Key {
        /// Where it is from.
        origin: String,
        /// Why.
        why: String,
    },
    /// Nobody signed.
    #[error("the plugin for {action} is not signed, and {origin} wants a signature by {wanted}")]
    Unsigned {
        /// The action.
        action: String,
        /// Where the rule is written.
        origin: String,
        /// The names of the keys, with `or` between them.
        wanted: String,
    },
    /// Others signed.
    #[error(
        "the plugin for {action} has {count} that no key of {origin} made: it wants one by {wanted}; somebody else signed, or the component was changed after"
    )]
    WronglySigned {
        /// The action.
        action: String,
        /// Where the rule is written.
        origin: String,
        /// The names of the keys.
        wanted: String,
        /// How many signatures there are, in words.
        count: String,
    },
    /// Signed, but not this.
    #[error(
        "the signature by {signer} beside the plugin for {action} is one of {signed}, and this is {found}: it was put there by somebody, or the component was replaced"
    )]
    OtherContent {
        /// The action.
        action: String,
        /// Whose signature.
        signer: String,
        /// What was signed.
        signed: String,
        /// What is there.
        found: String,
    },
    /// Older than one that was used or locked before.
    #[error(
        "the plugin for {action} is version {version}, and {before} was used or locked here before: an older one may have mistakes that were mended"
    )]
    Downgrade {
        /// The action.
        action: String,
        /// This version.
        version: Version,
        /// The version before.
        before: Version,
    },
    /// Older than allowed.
    #[error("the plugin for {action} is version {version}, and {origin} wants {least} at least")]
    TooOld {
        /// The action.
        action: String,
        /// Where the rule is written.
        origin: String,
        /// This version.
        version: Version,
        /// The lowest allowed.
        least: Version,
    },
    /// A program that keeps logins.
    #[error(
        "the login for the registry {host} is kept by the program `{program}` (docker's config.json names it), and {why}; mend that, or log in to a file with an `auths` entry for {host}"
    )]
    Helper {
        /// The program.
        program: String,
        /// The registry.
        host: String,
        /// Why it gave none.
        why: String,
    },
    /// A file or folder.
    #[error("{} cannot be used: {why}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

impl Error {
    /// The stable code, for `explain`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Reference { .. } => codes::REFERENCE,
            Self::Unreachable { .. } => codes::UNREACHABLE,
            Self::Garbage { .. } => codes::GARBAGE,
            Self::Unauthorized { .. } => codes::UNAUTHORIZED,
            Self::NotFound { .. } => codes::NOT_FOUND,
            Self::WrongDigest { .. } => codes::WRONG_DIGEST,
            Self::TooLarge { .. } => codes::TOO_LARGE,
            Self::NotAComponent { .. } => codes::NOT_A_COMPONENT,
            Self::PlainHttp { .. } => codes::PLAIN_HTTP,
            Self::NotPinned { .. } => codes::NOT_PINNED,
            Self::Offline { .. } => codes::OFFLINE,
            Self::Key { .. } => codes::KEY,
            Self::Unsigned { .. } => codes::UNSIGNED,
            Self::WronglySigned { .. } => codes::WRONGLY_SIGNED,
            Self::OtherContent { .. } => codes::OTHER_CONTENT,
            Self::Downgrade { .. } => codes::DOWNGRADE,
            Self::TooOld { .. } => codes::TOO_OLD,
            Self::Helper { .. } => codes::HELPER,
            Self::File { .. } => codes::FILE,
        }
    }

    /// Whether the network or the registry is to blame, and another moment may be better.
    #[must_use]
    pub fn is_of_the_machine(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::Garbage { .. } | Self::File { .. }
        )
    }
}
