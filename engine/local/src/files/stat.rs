//! Looking at what stands at a place.

use std::{
    fs::File,
    io::{self, Read as _},
    os::unix::ffi::OsStringExt as _,
};

use runwright_model::{
    capability::{
        Error,
        files::{Kind, READ_BYTES_MAX, SNAPSHOT_BYTES_MAX, Stat},
    },
    time::Timestamp,
};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, readlinkat, statat};
use sha2::Digest as _;

use super::path::{Place, failed};

/// Facts of a place, not following a link; `None` when nothing is there.
pub(super) fn stat(place: &Place, path: &str) -> Result<Option<Stat>, Error> {
    look(place).map_err(|error| failed("look at", path, &error))
}

/// The contents of a regular file of at most `most` bytes. `which` names the limit.
pub(super) fn read(place: &Place, path: &str, which: &str, most: u64) -> Result<Vec<u8>, Error> {
    let file = open_regular(place).map_err(|error| failed("read", path, &error))?;
    let Some(file) = file else {
        return Err(Error::Invalid(format!(
            "`{path}` is no regular file, so it cannot be read as a whole"
        )));
    };
    let mut contents = Vec::new();
    // One byte more than allowed, because a file may grow after its size was asked for.
    let got = file
        .take(most + 1)
        .read_to_end(&mut contents)
        .map_err(|error| failed("read", path, &error))?;
    if got as u64 > most {
        let used = statat(&place.folder, &place.name, AtFlags::SYMLINK_NOFOLLOW).map_or(got as u64, |s| size(&s));
        return Err(Error::LimitExceeded {
            which: which.into(),
            limit: most,
            used: used.max(got as u64),
        });
    }
    Ok(contents)
}

/// The name of the limit of [`READ_BYTES_MAX`].
pub(super) const READ_LIMIT: (&str, u64) = ("file-read-bytes", READ_BYTES_MAX);
/// The name of the limit of [`SNAPSHOT_BYTES_MAX`].
pub(super) const SNAPSHOT_LIMIT: (&str, u64) = ("file-snapshot-bytes", SNAPSHOT_BYTES_MAX);

/// The names in the folder at a place, sorted.
pub(super) fn list(place: &Place, path: &str) -> Result<Vec<String>, Error> {
    names(place).map_err(|error| failed("list", path, &error))
}

fn names(place: &Place) -> io::Result<Vec<String>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = openat(&place.folder, &place.name, flags, Mode::empty())?;
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name != "." && name != ".." {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// The raw facts; `None` when nothing is there.
pub(super) fn facts(place: &Place) -> io::Result<Option<rustix::fs::Stat>> {
    match statat(&place.folder, &place.name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(facts) => Ok(Some(facts)),
        Err(rustix::io::Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn look(place: &Place) -> io::Result<Option<Stat>> {
    let Some(facts) = facts(place)? else { return Ok(None) };
    let kind = match FileType::from_raw_mode(facts.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        FileType::Fifo | FileType::Socket | FileType::CharacterDevice | FileType::BlockDevice | FileType::Unknown => {
            Kind::Other
        }
    };
    let link = if kind == Kind::Symlink {
        Some(link(place)?)
    } else {
        None
    };
    let digests = kind == Kind::File && size(&facts) <= SNAPSHOT_BYTES_MAX;
    Ok(Some(Stat {
        kind,
        size: size(&facts),
        mode: facts.st_mode & 0o7777,
        owner: crate::account::user_name(facts.st_uid),
        group: crate::account::group_name(facts.st_gid),
        modified: modified(&facts),
        link,
        sha256: if digests { digest(place)? } else { None },
    }))
}

fn link(place: &Place) -> io::Result<String> {
    let target = readlinkat(&place.folder, &place.name, Vec::new())?.into_bytes();
    Ok(std::ffi::OsString::from_vec(target).to_string_lossy().into_owned())
}

/// The SHA-256 of a file; `None` when the engine may see it but not read it.
fn digest(place: &Place) -> io::Result<Option<String>> {
    let mut file = match open_regular(place) {
        Ok(Some(file)) => file.take(SNAPSHOT_BYTES_MAX),
        Ok(None) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Some(hex::encode(hasher.finalize()))),
            read => hasher.update(&buffer[..read]),
        }
    }
}

/// Opens the regular file at a place. Never waits for the other end of a pipe, never follows a link.
fn open_regular(place: &Place) -> io::Result<Option<File>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    match openat(&place.folder, &place.name, flags, Mode::empty()) {
        Ok(file) => {
            let file = File::from(file);
            Ok(file.metadata()?.is_file().then_some(file))
        }
        // A link, or a socket.
        Err(rustix::io::Errno::LOOP | rustix::io::Errno::NXIO) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn size(facts: &rustix::fs::Stat) -> u64 {
    u64::try_from(facts.st_size).unwrap_or(0)
}

fn modified(facts: &rustix::fs::Stat) -> Timestamp {
    let nanos = i64::try_from(facts.st_mtime_nsec).unwrap_or(0);
    Timestamp::from_millis(facts.st_mtime.saturating_mul(1_000).saturating_add(nanos / 1_000_000))
}
