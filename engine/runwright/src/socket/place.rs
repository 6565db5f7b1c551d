//! Where the socket is, however long the state directory's path.

use std::{
    fs::{File, Permissions},
    io,
    os::{
        fd::AsRawFd as _,
        unix::fs::{MetadataExt as _, PermissionsExt as _},
    },
    path::{Path, PathBuf},
};

use tokio::net::{UnixListener, UnixStream};

/// The socket's name in the state directory.
const NAME: &str = "engine";
/// Its name until it is as it should be.
const NAME_NEW: &str = "engine.new";
/// Longer paths are refused by some systems: the address of a Unix socket has so many bytes.
const PATH_BYTES_MAX: usize = 100;

/// A path of the socket that is short enough, and what keeps it valid.
struct Address {
    path: PathBuf,
    _directory: Option<File>,
}

impl Address {
    fn of(directory: &Path, name: &str) -> io::Result<Self> {
        let path = directory.join(name);
        if path.as_os_str().len() <= PATH_BYTES_MAX {
            return Ok(Self { path, _directory: None });
        }
        let directory = File::open(directory)?;
        Ok(Self {
            path: format!("/proc/self/fd/{}/{name}", directory.as_raw_fd()).into(),
            _directory: Some(directory),
        })
    }
}

/// Connects to the engine that holds this directory.
pub(crate) async fn connect(directory: &Path) -> io::Result<UnixStream> {
    let address = Address::of(directory, NAME)?;
    UnixStream::connect(&address.path).await
}

/// Listens in this directory, in the place of a socket that a dead process left. Only the process that holds the
/// store's lock may call it.
pub(crate) fn listen(directory: &Path) -> io::Result<UnixListener> {
    let new = directory.join(NAME_NEW);
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(&Address::of(directory, NAME_NEW)?.path)?;
    // Only then under its name, so that nobody ever finds it with another mode.
    std::fs::set_permissions(&new, Permissions::from_mode(0o600))?;
    std::fs::rename(&new, directory.join(NAME))?;
    Ok(listener)
}

/// Tells one engine of this directory from the next, without asking it: each one makes its own socket, and leaves it
/// behind, where nobody answers then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp(Option<(u64, i64, i64)>);

/// The stamp of the last engine.
pub(crate) fn stamp(directory: &Path) -> Stamp {
    let metadata = std::fs::symlink_metadata(directory.join(NAME));
    Stamp(metadata.ok().map(|it| (it.ino(), it.ctime(), it.ctime_nsec())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_long_path_works_and_a_stale_socket_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("d".repeat(120)).join("e".repeat(120));
        std::fs::create_dir_all(&deep).unwrap();
        drop(listen(&deep).unwrap());
        assert_eq!(
            connect(&deep).await.unwrap_err().kind(),
            io::ErrorKind::ConnectionRefused
        );
        let _listener = listen(&deep).unwrap();
        connect(&deep).await.unwrap();
        let mode = std::fs::metadata(deep.join(NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[tokio::test]
    async fn each_engine_has_a_stamp_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let nobody = stamp(folder.path());
        drop(listen(folder.path()).unwrap());
        let first = stamp(folder.path());
        let _listener = listen(folder.path()).unwrap();
        assert!(nobody != first && first != stamp(folder.path()));
    }
}
