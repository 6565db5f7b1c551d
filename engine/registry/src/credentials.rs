//! User names and passwords of registries, as `docker login` writes them.
//!
//! A registry with a program of its own (`credHelpers`) is asked for there; any other is looked for in `auths`, and then with the
//! program that keeps all others (`credsStore`). Programs are started when a registry wants a login, once each ([`helper`]).

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::Path,
    sync::{Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{Error, helper};

/// What is known of registries.
#[derive(Debug, Default)]
pub(crate) struct Credentials {
    written: BTreeMap<String, Login>,
    /// The names of programs, by host.
    helpers: BTreeMap<String, String>,
    store: Option<String>,
    /// What programs answered, by host.
    answers: Mutex<BTreeMap<String, Option<Login>>>,
}

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
#[serde(rename_all = "camelCase")]
struct File {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
    #[serde(default)]
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
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
        let helpers = read.cred_helpers.into_iter().map(|(host, name)| (bare(&host), name));
        Ok(Self {
            written: logins.collect(),
            helpers: helpers.collect(),
            store: read.creds_store.filter(|name| !name.is_empty()),
            answers: Mutex::default(),
        })
    }

    /// Who to be for this registry.
    ///
    /// # Errors
    ///
    /// [`Error::Helper`].
    pub(crate) async fn of(&self, host: &str) -> Result<Option<Login>, Error> {
        let own = self.helpers.get(host);
        if let Some(written) = self.written.get(host).filter(|_| own.is_none()) {
            return Ok(Some(written.clone()));
        }
        let Some(name) = own.or(self.store.as_ref()) else {
            return Ok(None);
        };
        let known = self
            .answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(host)
            .cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let program = helper::program(name);
        let answer = match &program {
            Some(program) => helper::ask(program, host, helper::PATIENCE).await,
            None => Err("that is no program's name".to_owned()),
        };
        let failed = |why| Error::Helper {
            program: program.unwrap_or_else(|| name.clone()),
            host: host.to_owned(),
            why,
        };
        let login = match answer.map_err(failed) {
            // A program that is for every registry is no reason not to be let into one that lets everybody in.
            Err(error) if own.is_none() => {
                tracing::warn!(code = error.code(), "{error}");
                None
            }
            other => other?,
        };
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.insert(host.to_owned(), login.clone());
        Ok(login)
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

    #[tokio::test]
    async fn logins_are_found_in_every_form() {
        let text = r#"{"auths": {
            "https://a.example/v1/": {"auth": "a2ltOnNlOmNyZXQ="},
            "b.example:5000": {"username": "kim", "password": "secret"},
            "c.example": {}, "d.example": {"auth": "!!"}
        }}"#;
        let found = read(text).unwrap();
        let a = found.of("a.example").await.unwrap().unwrap();
        assert_eq!((a.user.as_str(), a.password.as_str()), ("kim", "se:cret"));
        assert_eq!(found.of("b.example:5000").await.unwrap().unwrap().user, "kim");
        for host in ["c.example", "d.example"] {
            assert!(found.of(host).await.unwrap().is_none());
        }
        assert!(!format!("{found:?}").contains("secret"));
    }

    #[tokio::test]
    async fn a_program_is_asked_where_nothing_is_written_or_it_is_named_for_the_registry() {
        let text = r#"{"auths": {"a.example": {"username": "kim", "password": "s"}, "b.example": {"username": "kim", "password": "s"}},
            "credHelpers": {"b.example": "no/path"}, "credsStore": "no-such-store"}"#;
        let found = read(text).unwrap();
        assert_eq!(found.of("a.example").await.unwrap().unwrap().user, "kim");
        let own = found.of("b.example").await.err().unwrap();
        assert_eq!(own.code(), "RW-P119");
        assert!(
            own.to_string().contains("`no/path`") && own.to_string().contains("no program's name"),
            "{own}"
        );
        assert!(
            found.of("c.example").await.unwrap().is_none(),
            "who is let in without a login needs no program"
        );
    }

    #[tokio::test]
    async fn no_file_is_no_login_and_a_broken_one_shows_nothing_of_itself() {
        let none = Credentials::read(Path::new("/nowhere/config.json")).unwrap();
        assert!(none.of("x").await.unwrap().is_none());
        let error = read(r#"{"auths": {"a": {"auth": hunter2}}}"#).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
