//! Where runbooks are.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use runwright_compiler::Source;

use crate::{Error, documents};

/// How files of runbooks end.
pub(crate) const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// What stands for standard input.
pub(crate) const STDIN: &str = "-";

/// A larger document is refused while it is read; the compiler has a limit of its own below this.
const DOCUMENT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The text of a runbook, and its file.
pub(crate) fn source(what: &str, folders: &[PathBuf]) -> Result<(Source, Option<PathBuf>), Error> {
    if what == STDIN {
        let text = read_text("standard input", std::io::stdin().lock())?;
        return Ok((
            Source {
                name: "stdin".into(),
                origin: "<stdin>".into(),
                text,
            },
            None,
        ));
    }
    let path = if is_path(what) {
        PathBuf::from(what)
    } else {
        match (by_name(what, folders), documents::named(what)) {
            (Ok(path), _) => path,
            (Err(_), Some(source)) => return Ok((source, None)),
            (Err(error), None) => return Err(error),
        }
    };
    let shown = path.display().to_string();
    let file = std::fs::File::open(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::NoRunbook {
            name: what.to_owned(),
            looked: vec![shown.clone()],
        },
        _ => Error::Unreadable {
            path: shown.clone(),
            why: error.to_string(),
        },
    })?;
    let name = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    let text = read_text(&shown, file)?;
    Ok((
        Source {
            name,
            origin: shown,
            text,
        },
        Some(path),
    ))
}

/// Whether it is a path, and no name.
pub(crate) fn is_path(what: &str) -> bool {
    let ending = Path::new(what)
        .extension()
        .is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known));
    what.contains('/') || ending
}

fn by_name(name: &str, folders: &[PathBuf]) -> Result<PathBuf, Error> {
    let mut looked = Vec::new();
    for folder in folders {
        for ending in ENDINGS {
            let path = folder.join(format!("{name}.{ending}"));
            if path.is_file() {
                return Ok(path);
            }
        }
        looked.push(format!("{}/{name}.yaml", folder.display()));
    }
    if looked.is_empty() {
        looked.push("no folder: none is set".into());
    }
    Err(Error::NoRunbook {
        name: name.to_owned(),
        looked,
    })
}

fn read_text(from: &str, reader: impl std::io::Read) -> Result<String, Error> {
    let unreadable = |why: String| Error::Unreadable {
        path: from.to_owned(),
        why,
    };
    let mut bytes = Vec::new();
    reader
        .take(DOCUMENT_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() as u64 > DOCUMENT_BYTES_MAX {
        return Err(unreadable(format!(
            "it is larger than the limit of {} MiB",
            DOCUMENT_BYTES_MAX / 1024 / 1024
        )));
    }
    String::from_utf8(bytes).map_err(|error| {
        unreadable(format!(
            "it is not UTF-8 text: byte {} cannot be decoded",
            error.utf8_error().valid_up_to()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_looked_for_and_paths_are_not() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.yml"), "x: 1").unwrap();
        let folders = [folder.path().to_owned()];
        assert_eq!(source("a", &folders).unwrap().0.name, "a");
        assert!(matches!(source("b", &folders), Err(Error::NoRunbook { .. })));
        assert!(matches!(source("./a.yml", &folders), Err(Error::NoRunbook { .. })));
    }

    #[test]
    fn text_that_is_none_is_refused_with_its_place() {
        let error = read_text("x", &b"ab\xff"[..]).unwrap_err();
        assert!(error.to_string().contains("byte 2"), "{error}");
    }
}
