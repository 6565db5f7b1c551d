//! Where an execution was started: its child runbooks are looked for there, whichever process the engine is then.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// What `global:REGION` is on a machine of one's own.
pub(crate) const LOCAL_REGION: &str = "local";
/// What `global:ACCOUNT_ID` is there.
pub(crate) const LOCAL_ACCOUNT: &str = "000000000000";
/// What `global:AWS_PARTITION` is there.
pub(crate) const LOCAL_PARTITION: &str = "aws";

/// The folders, absolute.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// Where paths begin.
    pub(crate) folder: String,
    /// Where runbooks are looked for by name.
    pub(crate) runbooks: Vec<String>,
}

/// Among the globals of an execution, beside those that documents can name.
const FOLDER: &str = "FOLDER";
const RUNBOOKS: &str = "RUNBOOKS";

impl Place {
    /// This process's, which looks for runbooks in these folders.
    pub(crate) fn here(runbooks: &[PathBuf]) -> Self {
        let absolute = |path: &PathBuf| {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            path.to_string_lossy().into_owned()
        };
        Self {
            folder: std::env::current_dir().map_or_else(|_| "/".to_owned(), |path| absolute(&path)),
            runbooks: runbooks.iter().map(absolute).collect(),
        }
    }

    /// The same, where runbooks are looked for in this folder before others.
    pub(crate) fn look_first_in(&mut self, folder: &Path) {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
        self.runbooks.insert(0, folder.to_string_lossy().into_owned());
    }

    /// As the journal has it.
    pub(crate) fn of(globals: &BTreeMap<String, String>) -> Self {
        let text = |name| globals.get(name).map(String::as_str).unwrap_or_default();
        Self {
            folder: text(FOLDER).to_owned(),
            runbooks: serde_json::from_str(text(RUNBOOKS)).unwrap_or_default(),
        }
    }

    /// Into the journal.
    pub(crate) fn note(&self, globals: &mut BTreeMap<String, String>) {
        let runbooks = serde_json::to_string(&self.runbooks).expect("texts serialise");
        globals.insert(FOLDER.to_owned(), self.folder.clone());
        globals.insert(RUNBOOKS.to_owned(), runbooks);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_noted_and_found() {
        let mut globals = BTreeMap::new();
        assert_eq!(Place::of(&globals), Place::default());
        let place = Place::here(&["runbooks".into(), "/a:b".into()]);
        place.note(&mut globals);
        assert_eq!(Place::of(&globals), place);
        assert!(place.runbooks.iter().all(|folder| folder.starts_with('/')));
    }
}
