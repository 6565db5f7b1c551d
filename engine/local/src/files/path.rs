//! From a path to an open folder and a name in it, with no way out by `..` or by symbolic links.
//!
//! Links are read one by one into a path without links, the grants are asked about *that* path, and its folder
//! is opened part by part from the root without following anything. Whoever puts a link in between makes the
//! opening fail, and it starts again. What is done then is done in the open folder, by name, not following.

use std::{
    collections::VecDeque,
    ffi::{OsStr, OsString},
    io,
    os::fd::OwnedFd,
    path::{Component, Path, PathBuf},
};

use runwright_model::{capability::Error, grant::Grants};
use rustix::fs::{CWD, Mode, OFlags, fsync, openat};

/// How many symbolic links one path may pass.
const LINKS_MAX: usize = 40;
/// How often a path that changes while it is walked is tried again.
const TRIES_MAX: usize = 64;

const FOLDER: OFlags = OFlags::PATH
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// What the path is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Whether a symbolic link at the end of the path is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LastLink {
    Follow,
    Keep,
}

/// An open folder and a name in it: a granted place.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) folder: OwnedFd,
    /// One part of a path. `.` for the root.
    pub(super) name: OsString,
    /// The path without links, for messages.
    pub(super) path: PathBuf,
}

/// How a place is looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) grants: &'a Grants,
    pub(super) access: Access,
    pub(super) last: LastLink,
    /// Make missing folders, with these permission bits.
    pub(super) make: Option<Mode>,
}

impl Place {
    /// The granted place a path names; `None` when its folder does not exist.
    ///
    /// # Errors
    ///
    /// `Denied` when the path, or the path behind its links, is not granted; `Invalid` for a path that is not
    /// absolute; `Unavailable` when the system refuses.
    pub(super) fn find(path: &str, wanted: Wanted<'_>) -> Result<Option<Self>, Error> {
        check_form(path)?;
        check(&wanted, path)?;
        for _ in 0..TRIES_MAX {
            let real = without_links(Path::new(path), wanted.last).map_err(|error| failed("look up", path, &error))?;
            let shown = real.to_str().ok_or_else(|| not_text(path))?;
            check(&wanted, shown)?;
            let parent = real.parent().unwrap_or(Path::new("/"));
            match open_folder(parent, wanted.make) {
                Ok(folder) => {
                    let name = real.file_name().unwrap_or(OsStr::new(".")).to_owned();
                    return Ok(Some(Self {
                        folder,
                        name,
                        path: real,
                    }));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                // A link where there was none a moment ago: look again.
                Err(error) if is_link_in_the_way(&error) => {}
                Err(error) => return Err(failed("open the folder of", path, &error)),
            }
        }
        Err(Error::Unavailable(format!(
            "the folders of `{path}` keep changing: nothing was done"
        )))
    }

    /// The place, which must have a folder.
    pub(super) fn existing(path: &str, wanted: Wanted<'_>) -> Result<Self, Error> {
        Self::find(path, wanted)?.ok_or_else(|| Error::NotFound(format!("there is no folder for `{path}`")))
    }

    /// Makes the names in the folder durable.
    pub(super) fn sync_folder(&self) -> io::Result<()> {
        let folder = openat(
            &self.folder,
            ".",
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        Ok(fsync(folder)?)
    }
}

/// An error of the system as a capability's.
pub(super) fn failed(doing: &str, path: &str, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => Error::NotFound(format!("cannot {doing} `{path}`: it does not exist")),
        io::ErrorKind::PermissionDenied => Error::Unavailable(format!(
            "cannot {doing} `{path}`: the system does not permit it to the engine's user `{}`",
            crate::account::user_name(rustix::process::geteuid().as_raw())
        )),
        io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory | io::ErrorKind::DirectoryNotEmpty => {
            Error::Invalid(format!("cannot {doing} `{path}`: {error}"))
        }
        _ => Error::Unavailable(format!("cannot {doing} `{path}`: {error}")),
    }
}

fn check_form(path: &str) -> Result<(), Error> {
    if !path.starts_with('/') || path.contains('\0') {
        return Err(Error::Invalid(format!(
            "`{path}` is no absolute path: it must begin with `/` and have no zero byte"
        )));
    }
    Ok(())
}

fn not_text(path: &str) -> Error {
    Error::Invalid(format!(
        "the path behind `{path}` is not UTF-8, so no grant can name it"
    ))
}

fn check(wanted: &Wanted<'_>, path: &str) -> Result<(), Error> {
    match wanted.access {
        Access::Read => wanted.grants.check_read(path),
        Access::Write => wanted.grants.check_write(path),
    }
}

/// The path with every link replaced by what it points to. Parts that do not exist are kept as they are.
fn without_links(path: &Path, last: LastLink) -> io::Result<PathBuf> {
    let mut todo: VecDeque<OsString> = parts(path).collect();
    let mut done = PathBuf::from("/");
    let mut links = 0;
    while let Some(part) = todo.pop_front() {
        if part == ".." {
            done.pop();
            continue;
        }
        let next = done.join(&part);
        let is_last = todo.is_empty();
        match std::fs::read_link(&next) {
            Ok(_) if is_last && last == LastLink::Keep => done = next,
            Ok(target) => {
                links += 1;
                if links > LINKS_MAX {
                    return Err(rustix::io::Errno::LOOP.into());
                }
                if target.is_absolute() {
                    done = PathBuf::from("/");
                }
                parts(&target)
                    .collect::<Vec<_>>()
                    .into_iter()
                    .rev()
                    .for_each(|part| todo.push_front(part));
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotFound) => done = next,
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

fn parts(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    })
}

/// Opens a folder part by part, following nothing.
fn open_folder(path: &Path, make: Option<Mode>) -> io::Result<OwnedFd> {
    let mut folder = openat(CWD, "/", FOLDER, Mode::empty())?;
    for part in parts(path) {
        folder = match (openat(&folder, &part, FOLDER, Mode::empty()), make) {
            (Err(rustix::io::Errno::NOENT), Some(mode)) => make_folder(&folder, &part, mode)?,
            (opened, _) => opened?,
        };
    }
    Ok(folder)
}

fn make_folder(parent: &OwnedFd, name: &OsStr, mode: Mode) -> io::Result<OwnedFd> {
    match rustix::fs::mkdirat(parent, name, mode) {
        // Somebody else made it: as good.
        Ok(()) | Err(rustix::io::Errno::EXIST) => Ok(openat(parent, name, FOLDER, Mode::empty())?),
        Err(error) => Err(error.into()),
    }
}

fn is_link_in_the_way(error: &io::Error) -> bool {
    [
        Some(rustix::io::Errno::LOOP.raw_os_error()),
        Some(rustix::io::Errno::NOTDIR.raw_os_error()),
    ]
    .contains(&error.raw_os_error())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("real")).unwrap();
        symlink("real", root.join("relative")).unwrap();
        symlink(root.join("relative"), root.join("absolute")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        symlink("../../etc", root.join("real/out")).unwrap();
        let real = |path: &str, last| without_links(&root.join(path), last).map_err(|e| e.raw_os_error());
        assert_eq!(
            real("absolute/new/file", LastLink::Follow),
            Ok(root.join("real/new/file"))
        );
        assert_eq!(real("absolute", LastLink::Follow), Ok(root.join("real")));
        assert_eq!(real("absolute", LastLink::Keep), Ok(root.join("absolute")));
        assert_eq!(
            real("absolute/out/x", LastLink::Follow),
            Ok(root.parent().unwrap().join("etc/x"))
        );
        assert_eq!(
            real("loop", LastLink::Follow),
            Err(Some(rustix::io::Errno::LOOP.raw_os_error()))
        );
    }

    #[test]
    fn a_folder_is_opened_without_following() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("real")).unwrap();
        symlink("real", root.join("link")).unwrap();
        assert!(open_folder(&root.join("real"), None).is_ok());
        assert!(is_link_in_the_way(&open_folder(&root.join("link"), None).unwrap_err()));
        assert!(is_link_in_the_way(
            &open_folder(&root.join("link/x"), Some(Mode::RWXU)).unwrap_err()
        ));
    }
}
