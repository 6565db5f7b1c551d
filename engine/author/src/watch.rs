//! Tells when an author has changed something. It looks again and again: projects are small, and every file system can be
//! looked at.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use crate::Project;

/// What is made and not written: changes there are no author's.
const NOT_WRITTEN: &[&str] = &["build", "target", "node_modules", ".venv", "__pycache__", ".git"];
/// How often it looks.
const PAUSE: Duration = Duration::from_millis(300);

/// A project that is watched.
pub struct Watch {
    folder: PathBuf,
    seen: Seen,
}

/// Files, each with when it was written and its size.
type Seen = BTreeMap<String, (Option<SystemTime>, u64)>;

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
