//! The folder of a document: where it downloads to, and where its scripts run when there is one.

use runwright_sdk::Context;

/// The folder of this execution's document. It outlives a reboot. Nobody else can make it: see the script in
/// [`crate::script`] that does.
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
