//! The name of a component in a registry: `host[:port]/repository:tag`, or with `@sha256:…` behind it.
//!
//! Nothing is filled in: no host that is meant if none is written, and no tag `latest`. What a runbook names, it names.

use std::{fmt, net::IpAddr, str::FromStr};

use runwright_model::digest::Digest;

use crate::Error;

/// The longest repository and the longest tag that registries take.
const REPOSITORY_MAX: usize = 255;
const TAG_MAX: usize = 128;

/// A component in a registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    host: String,
    repository: String,
    version: Version,
}

/// Which of the manifests in a repository.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Version {
    Tag(String),
    /// By content: the digest of the manifest, not of the component.
    Manifest(Digest),
}

impl Reference {
    /// The registry: a host, perhaps with a port.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The repository, without the host.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The digest of its manifest, when it is named by that.
    #[must_use]
    pub fn manifest(&self) -> Option<Digest> {
        match &self.version {
            Version::Manifest(digest) => Some(*digest),
            Version::Tag(_) => None,
        }
    }

    /// Host and repository.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}/{}", self.host, self.repository)
    }

    /// What stands behind the repository in the registry's addresses: the tag, or the digest.
    pub(crate) fn version(&self) -> String {
        match &self.version {
            Version::Tag(tag) => tag.clone(),
            Version::Manifest(digest) => digest.to_string(),
        }
    }

    /// Where `cosign` keeps the signatures of a manifest.
    pub(crate) fn signatures_of(&self, manifest: &Digest) -> Self {
        Self {
            version: Version::Tag(format!("sha256-{}.sig", manifest.to_hex())),
            ..self.clone()
        }
    }
}

/// Whether a host, perhaps with a port, is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = bare.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = match self.version {
            Version::Tag(_) => ':',
            Version::Manifest(_) => '@',
        };
        write!(f, "{}/{}{separator}{}", self.host, self.repository, self.version())
    }
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = |why: &'static str| Error::Reference {
            text: text.to_owned(),
            why,
        };
        let (host, rest) = text
            .split_once('/')
            .ok_or_else(|| bad("the registry's host is missing"))?;
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        let looks_like_host = host.contains(['.', ':']) || host == "localhost";
        if !looks_like_host || !host.chars().all(is_host) {
            return Err(bad("it must begin with the registry's host"));
        }
        let (repository, version) = match rest.split_once('@') {
            Some((before, digest)) => {
                let digest = digest
                    .strip_prefix("sha256:")
                    .and_then(|digits| digits.parse().ok())
                    .ok_or_else(|| bad("behind the `@` a digest must stand, as `sha256:` and 64 digits"))?;
                // A tag beside a digest says nothing that the digest does not.
                let repository = before.split_once(':').map_or(before, |(repository, _)| repository);
                (repository, Version::Manifest(digest))
            }
            None => {
                let (repository, tag) = rest.split_once(':').ok_or_else(|| {
                    bad("a tag or a digest is missing behind it: no version is meant if none is named")
                })?;
                let is_tag = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
                if tag.is_empty() || tag.len() > TAG_MAX || tag.starts_with(['.', '-']) || !tag.chars().all(is_tag) {
                    return Err(bad("its tag is not one that registries take"));
                }
                (repository, Version::Tag(tag.to_owned()))
            }
        };
        let is_part = |part: &str| {
            !part.is_empty()
                && !part.starts_with(['.', '-', '_'])
                && part
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-'))
        };
        if repository.len() > REPOSITORY_MAX || !repository.split('/').all(is_part) {
            return Err(bad(
                "its repository is not one that registries take: small letters, digits, `.`, `_`, `-`, `/`",
            ));
        }
        Ok(Self {
            host: host.to_owned(),
            repository: repository.to_owned(),
            version,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_and_written() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        for text in [
            "registry.example/acme/drain:1.2.0",
            "localhost:5000/drain:1",
            "127.0.0.1:5000/a/b/c:x",
            "[::1]:5000/a:x",
            &format!("registry.example/drain@{digest}"),
        ] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), text);
        }
        let both: Reference = format!("registry.example/drain:1@{digest}").parse().unwrap();
        assert_eq!(both.to_string(), format!("registry.example/drain@{digest}"));
        assert_eq!(both.place(), "registry.example/drain");
    }

    #[test]
    fn what_is_not_said_is_not_guessed() {
        for (text, why) in [
            ("drain", "host is missing"),
            ("acme/drain:1", "begin with the registry's host"),
            ("registry.example/drain", "a tag or a digest is missing"),
            ("registry.example/Drain:1", "repository"),
            ("registry.example/../drain:1", "repository"),
            ("registry.example/drain:", "tag"),
            ("registry.example/drain:a b", "tag"),
            ("registry.example/drain@sha512:00", "digest"),
            ("user:secret@registry.example/drain:1", "host"),
        ] {
            let error = text.parse::<Reference>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn this_machine_is_known() {
        for here in ["localhost", "localhost:5000", "127.0.0.1:80", "[::1]:5000", "127.8.0.1"] {
            assert!(is_loopback(here), "{here}");
        }
        for there in [
            "localhost.example:5000",
            "10.0.0.1",
            "registry.example",
            "127.0.0.1.example",
        ] {
            assert!(!is_loopback(there), "{there}");
        }
    }
}
