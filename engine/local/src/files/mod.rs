//! Files of this machine: `wit/files.wit`.
//!
//! Paths go through `path`, which lets none out of the granted folders. `read`, `list-directory` and
//! `make-directory` follow a symbolic link at the end of a path when what it points to is granted. All
//! others mean the link itself: `write` replaces a link by a file, as `snapshot` and `restore` keep and put
//! back the link, so that a rollback leaves what was there. Hard links, extended attributes and access lists of
//! a replaced file are not carried over.

mod path;
mod snapshot;
mod stat;
mod write;

use std::sync::Arc;

use runwright_model::{
    bytes::Bytes,
    capability::{
        Answer, CallContext, Error, Outcome,
        files::{self, Request, WriteOptions},
    },
    grant::Grants,
};
use rustix::fs::Mode;

use self::{
    path::{Access, LastLink, Place, Wanted, failed},
    write::{Attributes, Draft},
};
use crate::{blobs::BlobStore, fill, target};

/// The most bytes `write` writes.
pub const WRITE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Reads and changes files of this machine. Cheap to clone.
#[derive(Clone)]
pub struct Files {
    blobs: BlobStore,
}

/// What every function needs of a call.
#[derive(Clone)]
struct Call {
    grants: Arc<Grants>,
    idempotency_key: String,
}

impl Call {
    fn wanted(&self, access: Access, last: LastLink) -> Wanted<'_> {
        Wanted {
            grants: &self.grants,
            access,
            last,
            make: None,
        }
    }
}

impl Files {
    /// Keeps snapshots in these blobs.
    #[must_use]
    pub fn new(blobs: BlobStore) -> Self {
        Self { blobs }
    }

    pub(crate) async fn perform(&self, request: Request, context: CallContext) -> Outcome {
        target::check_local(on(&request))?;
        let call = Call {
            grants: context.grants.clone(),
            idempotency_key: context.idempotency_key.clone(),
        };
        match request {
            Request::Read { path, .. } => blocking(move || read(&call, &path)).await,
            Request::Write {
                path,
                contents,
                options,
                ..
            } => {
                let contents = fill::bytes(&context.secrets, contents.0, &format!("the text for `{path}`"))?;
                blocking(move || write(&call, &path, &contents, &options)).await
            }
            Request::Stat { path, .. } => blocking(move || stat(&call, &path)).await,
            Request::ListDirectory { path, .. } => blocking(move || list(&call, &path)).await,
            Request::MakeDirectory { path, mode, .. } => blocking(move || make_directory(&call, &path, mode)).await,
            Request::Link { path, points_to, .. } => blocking(move || link(&call, &path, &points_to)).await,
            Request::Remove { path, .. } => blocking(move || remove(&call, &path)).await,
            Request::Snapshot { path, .. } => self.snapshot(call, path).await,
            Request::Restore { snapshot, .. } => self.restore(call, snapshot).await,
        }
    }

    async fn snapshot(&self, call: Call, path: String) -> Outcome {
        let (before, contents) = blocking(move || snapshot::take(&call, &path)).await?;
        let contents = match contents {
            Some(contents) => Some(self.blobs.put(&contents).await?),
            None => None,
        };
        Ok(Answer::Files(files::Answer::Snapshot(files::Snapshot {
            contents,
            ..before
        })))
    }

    async fn restore(&self, call: Call, snapshot: files::Snapshot) -> Outcome {
        let contents = match &snapshot.contents {
            Some(name) => Some(self.blobs.get_all(name).await?),
            None => None,
        };
        blocking(move || snapshot::put_back(&call, &snapshot, contents.as_deref())).await?;
        Ok(Answer::Done)
    }
}

fn on(request: &Request) -> &runwright_model::capability::Target {
    match request {
        Request::Read { on, .. }
        | Request::Write { on, .. }
        | Request::Stat { on, .. }
        | Request::ListDirectory { on, .. }
        | Request::MakeDirectory { on, .. }
        | Request::Link { on, .. }
        | Request::Remove { on, .. }
        | Request::Snapshot { on, .. }
        | Request::Restore { on, .. } => on,
    }
}

/// Runs what waits for the disk on a thread for that.
async fn blocking<T: Send + 'static>(run: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    let ended = tokio::task::spawn_blocking(run).await;
    ended.map_err(|error| Error::Unavailable(format!("a file operation was given up: {error}")))?
}

fn read(call: &Call, path: &str) -> Outcome {
    let place = Place::existing(path, call.wanted(Access::Read, LastLink::Follow))?;
    let (which, most) = stat::READ_LIMIT;
    let contents = stat::read(&place, path, which, most)?;
    Ok(Answer::Files(files::Answer::Contents(Bytes(contents))))
}

fn write(call: &Call, path: &str, contents: &[u8], options: &WriteOptions) -> Outcome {
    if contents.len() > WRITE_BYTES_MAX {
        let (limit, used) = (WRITE_BYTES_MAX as u64, contents.len() as u64);
        return Err(Error::LimitExceeded {
            which: "file-write-bytes".into(),
            limit,
            used,
        });
    }
    let make = options.parents.then_some(Mode::from_raw_mode(0o755));
    let place = Place::existing(
        path,
        Wanted {
            make,
            ..call.wanted(Access::Write, LastLink::Keep)
        },
    )?;
    let attributes = Attributes::of(options, &place, path)?;
    let draft = Draft::new(&call.idempotency_key, &place);
    write::write(&place, &draft, contents, attributes).map_err(|error| failed("write", path, &error))?;
    Ok(Answer::Done)
}

fn stat(call: &Call, path: &str) -> Outcome {
    let found = match Place::find(path, call.wanted(Access::Read, LastLink::Keep))? {
        Some(place) => stat::stat(&place, path)?,
        None => None,
    };
    Ok(Answer::Files(files::Answer::Stat(found)))
}

fn list(call: &Call, path: &str) -> Outcome {
    let place = Place::existing(path, call.wanted(Access::Read, LastLink::Follow))?;
    Ok(Answer::Files(files::Answer::Names(stat::list(&place, path)?)))
}

fn make_directory(call: &Call, path: &str, mode: Option<u32>) -> Outcome {
    let mode = write::check_mode(mode)?;
    let make = Some(Mode::from_raw_mode(0o755));
    let place = Place::existing(
        path,
        Wanted {
            make,
            ..call.wanted(Access::Write, LastLink::Follow)
        },
    )?;
    write::make_directory(&place, mode).map_err(|error| failed("make the folder", path, &error))?;
    Ok(Answer::Done)
}

fn link(call: &Call, path: &str, points_to: &str) -> Outcome {
    if points_to.is_empty() || points_to.contains('\0') {
        return Err(Error::Invalid(format!(
            "the link `{path}` cannot point to {points_to:?}"
        )));
    }
    let place = Place::existing(path, call.wanted(Access::Write, LastLink::Keep))?;
    let draft = Draft::new(&call.idempotency_key, &place);
    write::link(&place, &draft, points_to, None).map_err(|error| failed("make the link", path, &error))?;
    Ok(Answer::Done)
}

fn remove(call: &Call, path: &str) -> Outcome {
    if let Some(place) = Place::find(path, call.wanted(Access::Write, LastLink::Keep))? {
        write::remove(&place).map_err(|error| failed("remove", path, &error))?;
    }
    Ok(Answer::Done)
}
