//! The attachments of runbooks: files beside them, with the checksum that the runbook says.
//!
//! They are taken when the runbook is compiled, and kept by content with the components of its plan: an execution goes on
//! with what it began with, whatever becomes of the files.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

use runwright_model::{digest::Digest, plan::Plan};

use crate::{Error, shelf::Shelf};

/// The largest attachment, in bytes.
const ATTACHMENT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Takes those that are there, and that are what the runbook says.
pub(crate) fn gather(plan: &Plan, folder: &Path, shelf: &Shelf) {
    for (name, digest) in &plan.attachments {
        if shelf.known(digest).is_none()
            && let Ok(bytes) = read(folder, name)
            && Digest::of(&bytes) == *digest
        {
            shelf.add(&bytes);
        }
    }
}

/// Says no when one of them is not there.
///
/// # Errors
///
/// [`Error::Attachment`].
pub(crate) fn check(plan: &Plan, folder: &Path, shelf: &Shelf) -> Result<(), Error> {
    let missing = plan
        .attachments
        .iter()
        .find(|(_, digest)| shelf.known(digest).is_none());
    let Some((name, digest)) = missing else { return Ok(()) };
    let why = match read(folder, name) {
        Err(error) => error.to_string(),
        Ok(bytes) => format!("its digest is {}, and the runbook says {digest}", Digest::of(&bytes)),
    };
    Err(Error::Attachment {
        name: name.clone(),
        path: folder.join(name).display().to_string(),
        why,
    })
}

/// The folder of a runbook; without a file, that of this process.
pub(crate) fn folder(path: Option<&PathBuf>) -> &Path {
    path.and_then(|path| path.parent()).unwrap_or(Path::new(""))
}

/// A file beside the runbook, or in a folder there.
fn read(folder: &Path, name: &str) -> io::Result<Vec<u8>> {
    let is_inside = Path::new(name)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if !is_inside {
        let why = "its name leads out of the folder of the runbook";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    let path = folder.join(name);
    let size = fs::metadata(&path)?.len();
    if size > ATTACHMENT_BYTES_MAX {
        let why = format!("it has {size} bytes, and {ATTACHMENT_BYTES_MAX} are allowed");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    fs::read(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_beside_the_runbook_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("runbooks");
        fs::create_dir_all(inside.join("lib")).unwrap();
        for file in ["secret", "runbooks/a.py", "runbooks/lib/b.zip"] {
            fs::write(folder.path().join(file), file).unwrap();
        }
        assert_eq!(read(&inside, "a.py").unwrap(), b"runbooks/a.py");
        assert_eq!(read(&inside, "lib/b.zip").unwrap(), b"runbooks/lib/b.zip");
        for out in ["../secret", "/etc/passwd", "lib/../../secret", "none.py"] {
            assert!(read(&inside, out).is_err(), "{out}");
        }
    }
}
