//! Writes a new project from the template of its language.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{Error, language};

/// Every file a project may be made of: its path in this repository, and its bytes.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// The namespace of actions whose author named none.
const NAMESPACE: &str = "my";
const NAME_CHARS_MAX: usize = 64;

/// What to write.
#[derive(Debug, Clone)]
pub struct New {
    /// `drain-node`, or `acme:drain-node` with a namespace.
    pub name: String,
    /// A language's name.
    pub language: String,
    /// The folder; the name below the working directory when absent.
    pub into: Option<PathBuf>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The project's folder.
    pub folder: PathBuf,
    /// The action's name in runbooks.
    pub action: String,
    /// The files, relative to the folder, without those of the SDK and the contract.
    pub files: Vec<String>,
    /// What to type next in that folder, before the first build: tools that the project keeps for itself.
    pub setup: Vec<String>,
}

/// Writes a project. In the texts and names of the template, `{{name}}` stands for the name (`drain-node`), `{{namespace}}`
/// for the namespace, and `{{action}}` for the action's whole name (`acme:drain-node`).
///
/// # Errors
///
/// [`Error::Language`], [`Error::Name`], [`Error::NotEmpty`], [`Error::File`].
pub fn new(wanted: &New) -> Result<Written, Error> {
    let language = language::named(&wanted.language)?;
    let (namespace, name) = wanted.name.split_once(':').unwrap_or((NAMESPACE, &wanted.name));
    check_name(&wanted.name, namespace, name)?;
    let folder = wanted.into.clone().unwrap_or_else(|| PathBuf::from(name));
    if fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::NotEmpty { folder });
    }
    let action = format!("{namespace}:{name}");
    let replaced = |text: &str| {
        text.replace("{{name}}", name)
            .replace("{{namespace}}", namespace)
            .replace("{{action}}", &action)
    };
    let mut files = Vec::new();
    for (path, bytes) in FILES {
        let Some((kind, to)) = destination(path, language.copies()) else {
            continue;
        };
        let (to, bytes) = match (kind, std::str::from_utf8(bytes)) {
            (Kind::Template, Ok(text)) => (replaced(&to), replaced(text).into_bytes()),
            (Kind::Template, Err(_)) => (replaced(&to), bytes.to_vec()),
            (Kind::Whole, _) => (to, bytes.to_vec()),
        };
        write(&folder.join(&to), &bytes)?;
        if kind == Kind::Template {
            files.push(to);
        }
    }
    Ok(Written {
        folder,
        action,
        files,
        setup: language.setup().iter().map(|line| (*line).to_owned()).collect(),
    })
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// With its words replaced.
    Template,
    /// As it is.
    Whole,
}

/// Where a file of this repository goes in a project, if it goes there.
fn destination(path: &str, copies: &[(Kind, &str, &str)]) -> Option<(Kind, String)> {
    let contract = (Kind::Whole, "wit", "wit");
    copies.iter().chain([&contract]).find_map(|(kind, from, to)| {
        if path == *from {
            return Some((*kind, (*to).to_owned()));
        }
        let rest = path.strip_prefix(from)?.strip_prefix('/')?;
        let to = if to.is_empty() {
            rest.to_owned()
        } else {
            format!("{to}/{rest}")
        };
        Some((*kind, to))
    })
}

fn check_name(whole: &str, namespace: &str, name: &str) -> Result<(), Error> {
    check_part(whole, namespace)?;
    check_part(whole, name)?;
    if whole.len() > NAME_CHARS_MAX {
        return Err(refused(whole, "it has more than 64 characters"));
    }
    if ["aws", "rw"].contains(&namespace) {
        return Err(refused(whole, "the namespaces `aws` and `rw` are the engine's"));
    }
    Ok(())
}

/// Checks a namespace or a name, which are parts of a whole name: files are called so in every language.
pub(crate) fn check_part(whole: &str, part: &str) -> Result<(), Error> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if part.starts_with(|c: char| c.is_ascii_lowercase()) && !part.ends_with('-') && part.chars().all(legal) {
        return Ok(());
    }
    Err(refused(
        whole,
        "each part begins with a small letter, goes on with small letters, digits and `-`, and does not end with `-`",
    ))
}

fn refused(whole: &str, why: &str) -> Error {
    Error::Name {
        name: whole.to_owned(),
        why: why.to_owned(),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Error::file(folder))?;
    }
    fs::write(path, bytes).map_err(Error::file(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_every_language_takes() {
        for good in ["drain", "acme:drain-node", "a1"] {
            let (namespace, name) = good.split_once(':').unwrap_or((NAMESPACE, good));
            assert!(check_name(good, namespace, name).is_ok(), "{good}");
        }
        for bad in [
            "", "Drain", "1a", "a_b", "a-", "rw:x", "aws:x", "a:", ":a", "../x", "a b", "ä",
        ] {
            let (namespace, name) = bad.split_once(':').unwrap_or((NAMESPACE, bad));
            assert!(check_name(bad, namespace, name).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_language_has_a_template_with_a_sample_and_tests() {
        for language in language::names() {
            let folder = tempfile::tempdir().unwrap();
            let wanted = New {
                name: "acme:drain-node".to_owned(),
                language: language.to_owned(),
                into: Some(folder.path().join("drain-node")),
            };
            let written = new(&wanted).unwrap();
            assert_eq!(written.action, "acme:drain-node");
            for file in [
                crate::PROJECT_FILE,
                "sample.yaml",
                "tests/drain-node.test.yaml",
                "README.md",
            ] {
                let text =
                    fs::read_to_string(written.folder.join(file)).unwrap_or_else(|_| panic!("{language}: {file}"));
                assert!(
                    !text.contains("{{name}}") && !text.contains("{{action}}"),
                    "{language}: {file}"
                );
            }
            assert!(written.folder.join("wit/world.wit").is_file());
            assert_eq!(crate::Project::open(&written.folder).unwrap().language(), language);
            assert!(matches!(new(&wanted), Err(Error::NotEmpty { .. })));
        }
    }
}
