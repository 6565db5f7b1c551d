//! Keeping what stands at a place, and putting it back.

use runwright_model::capability::{
    Error,
    files::{Kind, Snapshot, Stat},
};

use super::{
    Call,
    path::{Access, LastLink, Place, failed},
    stat,
    write::{self, Attributes, Draft},
};
use crate::account::{group_number, user_number};

/// What stands at a path: the snapshot without its contents, and the contents of a regular file.
///
/// A folder is kept without what is in it: its owner and mode.
pub(super) fn take(call: &Call, path: &str) -> Result<(Snapshot, Option<Vec<u8>>), Error> {
    let place = Place::find(path, call.wanted(Access::Read, LastLink::Keep))?;
    let before = match &place {
        Some(place) => stat::stat(place, path)?,
        None => None,
    };
    let contents = match (&place, before.as_ref().map(|stat| stat.kind)) {
        (Some(place), Some(Kind::File)) => {
            let (which, most) = stat::SNAPSHOT_LIMIT;
            Some(stat::read(place, path, which, most)?)
        }
        (_, Some(Kind::Other)) => {
            return Err(Error::Invalid(format!(
                "`{path}` is a socket, a device or a pipe, which cannot be kept"
            )));
        }
        (_, Some(Kind::Directory | Kind::Symlink) | None) | (None, Some(Kind::File)) => None,
    };
    Ok((
        Snapshot {
            path: path.to_owned(),
            before,
            contents: None,
        },
        contents,
    ))
}

/// Puts back what was kept.
pub(super) fn put_back(call: &Call, snapshot: &Snapshot, contents: Option<&[u8]>) -> Result<(), Error> {
    let path = &snapshot.path;
    let place = Place::find(path, call.wanted(Access::Write, LastLink::Keep))?;
    let (place, before) = match (place, &snapshot.before) {
        (None, None) => return Ok(()),
        (None, Some(_)) => {
            return Err(Error::NotFound(format!(
                "the folder of `{path}` is gone: make it, then try again"
            )));
        }
        (Some(place), None) => {
            return write::remove(&place).map_err(|error| failed("remove", path, &error));
        }
        (Some(place), Some(before)) => (place, before),
    };
    let draft = Draft::new(&call.idempotency_key, &place);
    let attributes = attributes(before)?;
    let restored = match before.kind {
        Kind::File => {
            let contents =
                contents.ok_or_else(|| Error::Invalid(format!("the snapshot of `{path}` has no contents")))?;
            write::write(&place, &draft, contents, attributes)
        }
        Kind::Symlink => {
            let target = before.link.as_deref();
            let target = target.ok_or_else(|| Error::Invalid(format!("the snapshot of `{path}` has no link")))?;
            let own = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
            let owner = Some((attributes.uid, attributes.gid)).filter(|owner| *owner != own);
            write::link(&place, &draft, target, owner)
        }
        Kind::Directory => write::make_directory(&place, None).and_then(|()| write::set_directory(&place, attributes)),
        Kind::Other => {
            return Err(Error::Invalid(format!(
                "the snapshot of `{path}` holds nothing that can be put back"
            )));
        }
    };
    restored.map_err(|error| failed("put back", path, &error))
}

fn attributes(before: &Stat) -> Result<Attributes, Error> {
    Ok(Attributes {
        mode: write::check_mode(Some(before.mode))?.unwrap_or(before.mode),
        uid: user_number(&before.owner)?,
        gid: group_number(&before.group)?,
    })
}
