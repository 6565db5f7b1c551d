//! Changing what stands at a place, in one step.

use std::{
    fs::File,
    io::{self, Write as _},
};

use runwright_model::capability::{Error, files::WriteOptions};
use rustix::{
    fs::{AtFlags, FileType, Gid, Mode, OFlags, Uid, chownat, fchmod, fchown, openat, renameat, symlinkat, unlinkat},
    io::Errno,
};
use sha2::Digest as _;

use super::{
    path::{Place, failed},
    stat::facts,
};
use crate::account::{group_number, user_number};

const MODE_DEFAULT: u32 = 0o644;

/// Who a file belongs to and who may do what with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Attributes {
    /// What the options say; what they leave out is taken from the regular file that is replaced, else the
    /// engine's own.
    pub(super) fn of(options: &WriteOptions, place: &Place, path: &str) -> Result<Self, Error> {
        let before = facts(place).map_err(|error| failed("look at", path, &error))?;
        let before = before.filter(|facts| FileType::from_raw_mode(facts.st_mode) == FileType::RegularFile);
        let own = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let (uid, gid) = before.as_ref().map_or(own, |facts| (facts.st_uid, facts.st_gid));
        let mode = before.map_or(MODE_DEFAULT, |facts| facts.st_mode & 0o7777);
        Ok(Self {
            mode: check_mode(options.mode)?.unwrap_or(mode),
            uid: options.owner.as_deref().map(user_number).transpose()?.unwrap_or(uid),
            gid: options.group.as_deref().map(group_number).transpose()?.unwrap_or(gid),
        })
    }
}

/// Permission bits that are some.
pub(super) fn check_mode(mode: Option<u32>) -> Result<Option<u32>, Error> {
    match mode.filter(|mode| mode & !0o7777 != 0) {
        None => Ok(mode),
        Some(wrong) => Err(Error::Invalid(format!(
            "{wrong:#o} are no permission bits: write 0 to 0o7777, as in 0o644"
        ))),
    }
}

/// A name for a draft in the same folder: the same for the same call, so that a call which is made again after a
/// crash replaces what the first left behind.
#[derive(Debug, Clone)]
pub(super) struct Draft(String);

impl Draft {
    pub(super) fn new(idempotency_key: &str, place: &Place) -> Self {
        let mut hasher = sha2::Sha256::new();
        hasher.update(idempotency_key);
        hasher.update([0]);
        hasher.update(place.path.as_os_str().as_encoded_bytes());
        Self(format!(".runwright-{}", hex::encode(&hasher.finalize()[..8])))
    }
}

/// Replaces a file, or a link, by a file with these contents. Durable when it returns.
pub(super) fn write(place: &Place, draft: &Draft, contents: &[u8], attributes: Attributes) -> io::Result<()> {
    in_one_step(place, draft, || {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(&place.folder, &draft.0, flags, Mode::RUSR | Mode::WUSR)?);
        file.write_all(contents)?;
        let (uid, gid) = (Uid::from_raw(attributes.uid), Gid::from_raw(attributes.gid));
        if (uid, gid) != (rustix::process::geteuid(), rustix::process::getegid()) {
            fchown(&file, Some(uid), Some(gid))?;
        }
        // After the owner, because changing that clears the set-user-id bit.
        fchmod(&file, Mode::from_raw_mode(attributes.mode))?;
        file.sync_all()
    })
}

/// Replaces a file, or a link, by a link. `owner` are its user and group, if not the engine's. Durable.
pub(super) fn link(place: &Place, draft: &Draft, points_to: &str, owner: Option<(u32, u32)>) -> io::Result<()> {
    in_one_step(place, draft, || {
        symlinkat(points_to, &place.folder, &draft.0)?;
        if let Some((uid, gid)) = owner {
            let (uid, gid) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
            chownat(&place.folder, &draft.0, uid, gid, AtFlags::SYMLINK_NOFOLLOW)?;
        }
        Ok(())
    })
}

/// Makes a draft and moves it to its place; takes it away when anything fails.
fn in_one_step(place: &Place, draft: &Draft, make: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    if facts(place)?.is_some_and(|facts| FileType::from_raw_mode(facts.st_mode) == FileType::Directory) {
        return Err(Errno::ISDIR.into());
    }
    match unlinkat(&place.folder, &draft.0, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    let moved = make().and_then(|()| Ok(renameat(&place.folder, &draft.0, &place.folder, &place.name)?));
    if moved.is_err() {
        // The first error is the one to tell.
        let _ = unlinkat(&place.folder, &draft.0, AtFlags::empty());
    }
    moved.and_then(|()| place.sync_folder())
}

/// Removes a file, a link or an empty folder. Succeeds when nothing is there. Durable.
pub(super) fn remove(place: &Place) -> io::Result<()> {
    let removed = match unlinkat(&place.folder, &place.name, AtFlags::empty()) {
        Err(Errno::ISDIR | Errno::PERM) => unlinkat(&place.folder, &place.name, AtFlags::REMOVEDIR),
        other => other,
    };
    match removed {
        Ok(()) => place.sync_folder(),
        Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Makes a folder. Succeeds when there is one; then its mode is set only if one is given. Durable.
pub(super) fn make_directory(place: &Place, mode: Option<u32>) -> io::Result<()> {
    let made = match rustix::fs::mkdirat(&place.folder, &place.name, Mode::from_raw_mode(0o755)) {
        Ok(()) => true,
        Err(Errno::EXIST) => false,
        Err(error) => return Err(error.into()),
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = openat(&place.folder, &place.name, flags, Mode::empty())?;
    // Asked for explicitly, so that the process's mask has no say.
    if let Some(mode) = mode.or(made.then_some(0o755)) {
        fchmod(&folder, Mode::from_raw_mode(mode))?;
    }
    place.sync_folder()
}

/// Sets owner and mode of the folder at a place.
pub(super) fn set_directory(place: &Place, attributes: Attributes) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = openat(&place.folder, &place.name, flags, Mode::empty())?;
    fchown(
        &folder,
        Some(Uid::from_raw(attributes.uid)),
        Some(Gid::from_raw(attributes.gid)),
    )?;
    Ok(fchmod(&folder, Mode::from_raw_mode(attributes.mode))?)
}
