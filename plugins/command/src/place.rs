//! The folder of a document: where it downloads to, and where its scripts run when there is one.

use runwright_sdk::Context;

/// The folder of this execution's document. It outlives a reboot. [`FOLDER`] makes it, and sees that it is nobody else's.
#[must_use]
pub fn downloads(context: &Context) -> String {
    format!("/var/tmp/runwright-{}", context.execution_id)
}

/// A path that is absolute, or below the folder of the document.
#[must_use]
pub fn within(context: &Context, path: &str) -> String {
    if path.starts_with('/') {
        path.to_owned()
    } else if path.is_empty() {
        downloads(context)
    } else {
        format!("{}/{path}", downloads(context))
    }
}

/// Shell functions for scripts that put files there: `own_folder` and `put_file FILE NAME`. They want the variables
/// `DOWNLOADS` and `DESTINATION`.
pub const FOLDER: &str = include_str!("../folder.sh");
