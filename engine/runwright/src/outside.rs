//! Components that are not in the program: the one that runs Python and the AWS API actions, the one that runs JavaScript.
//!
//! They stand in a plugin folder, each made by a command of its own. What their actions are is known without them: a
//! runbook compiles and is planned anywhere, and needs the component to run.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::LazyLock,
    time::UNIX_EPOCH,
};

use runwright_bundle::{OUTSIDE, Outside};
use runwright_model::{
    action::{ActionSpec, Manifest},
    digest::Digest,
    plan::Plan,
};
use serde::{Deserialize, Serialize};

use crate::Error;

/// What their actions are, by name, with the component.
static ACTIONS: LazyLock<BTreeMap<String, (&Outside, Manifest)>> = LazyLock::new(|| {
    let of = |outside: &'static Outside| {
        let actions: Vec<Manifest> = serde_json::from_str(outside.actions).expect("a test reads the descriptions");
        let named = move |manifest: Manifest| (manifest.action.clone(), (outside, manifest));
        actions.into_iter().map(named)
    };
    OUTSIDE.iter().flat_map(of).collect()
});

/// The address of a webhook is a secret that its action must see. It sees no other.
const WEBHOOK: &str = "aws:invokeWebhook";
const INTEGRATIONS: &str = "/d9d01087-4a3f-49e0-b0b4-d568d7826553/ssm/integrations/webhook/*";

/// What stands in a plan in place of a component that is not there. No component has this digest.
static ABSENT: LazyLock<Digest> = LazyLock::new(|| Digest::of(b"the component is not installed"));

/// Where the components are looked for, and where their copies are.
#[derive(Debug, Clone)]
pub(crate) struct Outsiders {
    folders: Vec<PathBuf>,
    copies: PathBuf,
}

/// What is known of a file since it was read.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    length: u64,
    modified_ns: u128,
    digest: String,
}

impl Outsiders {
    /// Looks in these folders, then in `plugins` of the state directory, then beside the program. Copies stand in
    /// `components` of the state directory, each under its digest: an execution goes on with the one that it began with.
    pub(crate) fn new(state_dir: &Path, mut folders: Vec<PathBuf>) -> Self {
        folders.push(state_dir.join("plugins"));
        if let Some(program) = std::env::current_exe().ok().as_deref().and_then(Path::parent) {
            folders.push(program.join("../plugins"));
            folders.push(program.join("../lib/runwright"));
        }
        Self {
            folders,
            copies: state_dir.join("components"),
        }
    }

    /// Where copies stand.
    pub(crate) fn copies(&self) -> &Path {
        &self.copies
    }

    /// The actions' names.
    pub(crate) fn actions(&self) -> impl Iterator<Item = &'static String> {
        ACTIONS.keys()
    }

    /// What the actions are.
    pub(crate) fn manifests(&self) -> impl Iterator<Item = &'static Manifest> {
        ACTIONS.values().map(|(_, manifest)| manifest)
    }

    /// What a plan pins for this action, if it is one of these.
    pub(crate) fn spec(&self, action: &str) -> Option<ActionSpec> {
        let (outside, manifest) = ACTIONS.get(action)?;
        let manifest = manifest.clone();
        let component = self.component(outside).unwrap_or_else(|error| {
            tracing::warn!(%error, file = outside.file, "a component cannot be used");
            *ABSENT
        });
        let mut grants = crate::library::grants_of(&manifest);
        if action == WEBHOOK {
            grants.parameters.reveal = vec![INTEGRATIONS.to_owned()];
        }
        Some(ActionSpec {
            grants,
            manifest,
            component,
        })
    }

    /// The component's digest; a copy of it stands in the state directory then.
    fn component(&self, outside: &Outside) -> io::Result<Digest> {
        let Some(file) = self
            .folders
            .iter()
            .map(|folder| folder.join(outside.file))
            .find(|file| file.is_file())
        else {
            return Ok(*ABSENT);
        };
        let facts = fs::metadata(&file)?;
        let modified = facts.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let note = self.copies.join(outside.file).with_extension("json");
        let seen = fs::read(&note)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Seen>(&bytes).ok());
        if let Some(seen) = seen.filter(|seen| seen.length == facts.len() && seen.modified_ns == modified.as_nanos())
            && let Ok(digest) = seen.digest.parse::<Digest>()
            && copy_of(&self.copies, &digest).is_file()
        {
            return Ok(digest);
        }
        let digest = Digest::of(&fs::read(&file)?);
        self.copy(&file, &digest)?;
        let seen = Seen {
            length: facts.len(),
            modified_ns: modified.as_nanos(),
            digest: digest.to_hex(),
        };
        fs::write(&note, serde_json::to_vec(&seen)?)?;
        Ok(digest)
    }

    /// Whole or not at all, and durably: journals will name it.
    fn copy(&self, file: &Path, digest: &Digest) -> io::Result<()> {
        let copy = copy_of(&self.copies, digest);
        if copy.is_file() {
            return Ok(());
        }
        fs::create_dir_all(&self.copies)?;
        let unfinished = copy.with_extension(format!("{}.new", std::process::id()));
        fs::copy(file, &unfinished)?;
        fs::File::open(&unfinished)?.sync_all()?;
        fs::rename(&unfinished, &copy)?;
        fs::File::open(&self.copies)?.sync_all()
    }
}

/// Where the copy of a component stands.
pub(crate) fn copy_of(copies: &Path, digest: &Digest) -> PathBuf {
    copies.join(format!("{}.wasm", digest.to_hex()))
}

/// Why an action of a plan cannot run: its component was not there when the plan was made.
pub(crate) fn lacking(action: &str, component: &Digest) -> Option<Error> {
    let (outside, _) = ACTIONS.get(action).filter(|_| *component == *ABSENT)?;
    Some(Error::NoComponent {
        action: action.to_owned(),
        outside: **outside,
    })
}

/// Says no when a plan was made where a component was not.
///
/// # Errors
///
/// [`Error::NoComponent`].
pub(crate) fn check(plan: &Plan) -> Result<(), Error> {
    let mut actions = plan.actions.iter();
    match actions.find_map(|(action, spec)| lacking(action, &spec.component)) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_description_can_be_read() {
        assert!(ACTIONS.contains_key("aws:executeScript") && ACTIONS.contains_key("rw:script"));
        for (_, manifest) in ACTIONS.values() {
            assert!(
                !manifest.description.is_empty() && !manifest.rollback,
                "{}",
                manifest.action
            );
        }
    }

    #[test]
    fn what_was_replaced_is_noticed_and_the_old_one_stays() {
        let (state, plugins) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let outsiders = Outsiders::new(state.path(), vec![plugins.path().to_owned()]);
        let file = plugins.path().join(OUTSIDE[0].file);
        fs::write(&file, b"one").unwrap();
        assert_eq!(outsiders.component(&OUTSIDE[0]).unwrap(), Digest::of(b"one"));
        assert_eq!(outsiders.component(&OUTSIDE[0]).unwrap(), Digest::of(b"one"));
        fs::write(&file, b"another").unwrap();
        assert_eq!(outsiders.component(&OUTSIDE[0]).unwrap(), Digest::of(b"another"));
        assert_eq!(
            fs::read(copy_of(outsiders.copies(), &Digest::of(b"one"))).unwrap(),
            b"one"
        );
    }
}
