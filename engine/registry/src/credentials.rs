//! User names and passwords of registries, as `docker login` writes them.
//!
//! Only `auths` is read. Programs that keep credentials (`credsStore`, `credHelpers`) are not started.

use std::{collections::BTreeMap, fmt, fs, io, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::Error;

/// What is known of registries.
#[derive(Debug, Clone, Default)]
pub(crate) struct Credentials(BTreeMap<String, Login>);

/// A user of one registry. It cannot be printed.
#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: Zeroizing<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

#[derive(Deserialize, Default)]
struct File {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

impl Credentials {
    /// Reads docker's `config.json`. Where there is none, nothing is known.
    pub(crate) fn read(file: &Path) -> Result<Self, Error> {
        let refused = |why: String| Error::File {
            path: file.to_owned(),
            why,
        };
        let text = match fs::read(file) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(refused(error.to_string())),
        };
        // The parser's message would show a part of the file.
        let read: File = serde_json::from_slice(&text).map_err(|error| {
            refused(format!(
                "line {}, column {}: it is not docker's config.json",
                error.line(),
                error.column()
            ))
        })?;
        let logins = read
            .auths
            .into_iter()
            .filter_map(|(host, entry)| Some((bare(&host), entry.login()?)));
        Ok(Self(logins.collect()))
    }

    /// Who to be for this registry.
    pub(crate) fn of(&self, host: &str) -> Option<&Login> {
        self.0.get(host)
    }
}

impl Entry {
    fn login(self) -> Option<Login> {
        if let (Some(user), Some(password)) = (self.username, self.password) {
            let password = Zeroizing::new(password);
            return Some(Login { user, password });
        }
        let decoded = Zeroizing::new(STANDARD.decode(self.auth?.trim()).ok()?);
        let (user, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
        Some(Login {
            user: user.to_owned(),
            password: Zeroizing::new(password.to_owned()),
        })
    }
}

/// Docker writes hosts in several forms: `https://host/v1/`, `host`.
fn bare(host: &str) -> String {
    let host = host.split_once("://").map_or(host, |(_, rest)| rest);
    host.split('/').next().unwrap_or(host).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Credentials, Error> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        Credentials::read(file.path())
    }

    #[test]
    fn logins_are_found_in_every_form() {
        let text = r#"{"auths": {
            "https://a.example/v1/": {"auth": "a2ltOnNlOmNyZXQ="},
            "b.example:5000": {"username": "kim", "password": "secret"},
            "c.example": {}, "d.example": {"auth": "!!"}
        }, "credsStore": "desktop"}"#;
        let found = read(text).unwrap();
        let a = found.of("a.example").unwrap();
        assert_eq!((a.user.as_str(), a.password.as_str()), ("kim", "se:cret"));
        assert_eq!(found.of("b.example:5000").unwrap().user, "kim");
        assert!(found.of("c.example").is_none() && found.of("d.example").is_none());
        assert!(!format!("{found:?}").contains("secret"));
    }

    #[test]
    fn no_file_is_no_login_and_a_broken_one_shows_nothing_of_itself() {
        assert!(
            Credentials::read(Path::new("/nowhere/config.json"))
                .unwrap()
                .of("x")
                .is_none()
        );
        let error = read(r#"{"auths": {"a": {"auth": hunter2}}}"#).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
