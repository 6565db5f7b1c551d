//! Tells when an author has changed something: while somebody waits for it, and since the component was built.
//!
//! It looks again and again. Projects are small, and every file system can be looked at: those of containers and of networks tell
//! nobody of changes, and a machine's places for being told (inotify's watches) run out.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use crate::{Project, project::SAMPLE};

/// What is made and not written: changes there are no author's.
const NOT_WRITTEN: &[&str] = &["build", "target", "node_modules", ".venv", "__pycache__", ".git"];
/// How often it looks.
const PAUSE: Duration = Duration::from_millis(300);

/// What stands in a project and in no component: what tries it, and hidden files.
const NOT_BUILT: &[&str] = &[SAMPLE, "tests/", "."];
/// And what is written about it, or handed on with it: keys, and components that were pulled.
const NOT_SOURCES: &[&str] = &[".md", ".key", ".pub", ".pem", ".wasm"];

/// A project that is watched.
pub struct Watch {
    folder: PathBuf,
    seen: Seen,
}

/// Files, each with when it was written and its size.
type Seen = BTreeMap<String, (Option<SystemTime>, u64)>;

/// The files of which a component is made and that were written after it, sorted; all of them when it is not there. A file that
/// was removed since is not seen.
#[must_use]
pub fn newer(project: &Project) -> Vec<String> {
    let built = fs::metadata(project.component())
        .and_then(|facts| facts.modified())
        .ok();
    let is_source = |name: &str| {
        !NOT_BUILT.iter().any(|other| name.starts_with(other)) && !NOT_SOURCES.iter().any(|other| name.ends_with(other))
    };
    let is_newer = |(name, (written, _)): &(String, (Option<SystemTime>, u64))| {
        is_source(name) && (built.is_none() || *written > built)
    };
    let seen = look(&project.folder).into_iter();
    seen.filter(is_newer).map(|(name, _)| name).collect()
}

/// Watches a project's folder from now on.
#[must_use]
pub fn watch(project: &Project) -> Watch {
    Watch {
        folder: project.folder.clone(),
        seen: look(&project.folder),
    }
}

impl Watch {
    /// Waits until something has changed and nothing changes any more; answers the names of what did, sorted.
    pub fn changed(&mut self) -> Vec<String> {
        let mut last = self.seen.clone();
        loop {
            std::thread::sleep(PAUSE);
            let now = look(&self.folder);
            let changed = changes(&self.seen, &now);
            // Editors write a file in several steps: it counts when it is the same for two looks.
            if !changed.is_empty() && now == last {
                self.seen = now;
                return changed;
            }
            last = now;
        }
    }
}

fn changes(before: &Seen, now: &Seen) -> Vec<String> {
    let new = now.iter().filter(|(name, facts)| before.get(*name) != Some(facts));
    let gone = before.iter().filter(|(name, _)| !now.contains_key(*name));
    let mut names: Vec<String> = new.chain(gone).map(|(name, _)| name.clone()).collect();
    names.sort();
    names
}

fn look(folder: &Path) -> Seen {
    let (mut seen, mut todo) = (Seen::new(), vec![folder.to_owned()]);
    while let Some(below) = todo.pop() {
        for entry in fs::read_dir(below).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            // A file may be gone again: then it is none.
            let Ok(facts) = entry.metadata() else { continue };
            if facts.is_dir() {
                if !NOT_WRITTEN.contains(&name.as_ref()) {
                    todo.push(path);
                }
            } else if !name.ends_with('~') && !name.ends_with(".swp") && name != "Cargo.lock" {
                let shown = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
                seen.insert(shown, (facts.modified().ok(), facts.len()));
            }
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_as_old_as_what_it_is_made_of() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        let at = |name: &str, seconds: u64| {
            let written = fs::File::create(file(name)).unwrap();
            written
                .set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
                .unwrap();
        };
        for made in ["build", "tests", "src"] {
            fs::create_dir(file(made)).unwrap();
        }
        fs::write(file(crate::PROJECT_FILE), "language = 'python'\nname = 'drain'").unwrap();
        let toml = fs::File::options()
            .append(true)
            .open(file(crate::PROJECT_FILE))
            .unwrap();
        toml.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        at("src/a.py", 1);
        let project = Project::open(folder.path()).unwrap();
        assert_eq!(newer(&project), [crate::PROJECT_FILE, "src/a.py"], "it was never built");
        at("build/drain.wasm", 2);
        for other in [
            "tests/test_it.py",
            "sample.yaml",
            "NOTES.md",
            "release.key",
            "release.pub",
            "pulled.wasm",
            ".gitignore",
        ] {
            at(other, 3);
        }
        assert_eq!(newer(&project), [""; 0]);
        at("src/b.py", 3);
        assert_eq!(newer(&project), ["src/b.py"]);
    }

    #[test]
    fn what_is_written_counts_and_what_is_made_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        for made in ["build", "src"] {
            fs::create_dir(file(made)).unwrap();
        }
        fs::write(file("src/a"), "1").unwrap();
        let before = look(folder.path());
        fs::write(file("src/a"), "12").unwrap();
        fs::write(file("src/b"), "").unwrap();
        fs::write(file("build/x.wasm"), "").unwrap();
        fs::write(file("src/a~"), "").unwrap();
        assert_eq!(changes(&before, &look(folder.path())), ["src/a", "src/b"]);
        fs::remove_file(file("src/a")).unwrap();
        fs::remove_file(file("src/b")).unwrap();
        assert_eq!(changes(&before, &look(folder.path())), ["src/a"]);
    }
}
