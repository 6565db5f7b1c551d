//! A script's text in a private file.

use std::{io::Write as _, os::unix::fs::PermissionsExt as _};

use runwright_model::capability::Error;
use tempfile::TempPath;

use crate::account::Account;

/// Puts the text into a file that its user alone may read (and run), in the folder for temporary files. The file
/// is removed when the path is dropped.
///
/// Secret placeholders in the text have been filled: nobody but its user and root can see them there.
pub(super) fn keep(text: &str, account: Option<&Account>) -> Result<TempPath, Error> {
    let failed = |error: std::io::Error| {
        Error::Unavailable(format!(
            "the script cannot be put into {}: {error}",
            std::env::temp_dir().display()
        ))
    };
    let private = std::fs::Permissions::from_mode(0o700);
    let mut file = tempfile::Builder::new()
        .prefix("runwright-script-")
        .permissions(private)
        .tempfile()
        .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    if let Some(account) = account {
        std::os::unix::fs::fchown(file.as_file(), Some(account.uid), Some(account.gid)).map_err(failed)?;
    }
    Ok(file.into_temp_path())
}
