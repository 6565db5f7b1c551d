//! Command documents that everybody knows by name: AWS publishes them, and other documents name them.
//!
//! Each is an equivalent of ours, found when no folder has a document of that name.

use runwright_compiler::Source;

macro_rules! documents {
    ($($name:literal)*) => {
        /// Names and texts, sorted.
        const DOCUMENTS: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../documents/", $name, ".yaml")))),*];
    };
}

documents! {
    "AWS-ConfigureAWSPackage"
    "AWS-GatherSoftwareInventory"
    "AWS-RunDocument"
    "AWS-RunPowerShellScript"
    "AWS-RunRemoteScript"
    "AWS-RunShellScript"
}

/// The document of this name.
pub(crate) fn named(name: &str) -> Option<Source> {
    let (name, text) = DOCUMENTS.iter().find(|(known, _)| *known == name)?;
    Some(Source {
        name: (*name).to_owned(),
        origin: format!("<{name}>"),
        text: (*text).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_document_can_be_read() {
        for (name, _) in DOCUMENTS {
            let source = named(name).expect("it is in the list");
            let parsed = runwright_compiler::parse(&source);
            let unread: Vec<_> = parsed.compile(&Default::default()).diagnostics;
            // Nothing is known of plugins here; all else must be right.
            assert!(unread.iter().all(|found| found.code == "RW-C022"), "{name}: {unread:?}");
            assert!(!parsed.actions().is_empty());
        }
        assert!(named("AWS-Unknown").is_none());
    }
}
