//! The files of a scenario: in memory, with what the capability `files` can do to them.
//!
//! Folders above a file are there. Owners and groups are kept as they are given and mean nothing. A secret in a file stays a
//! placeholder.

use std::collections::BTreeMap;

use runwright_model::{
    bytes::Bytes,
    capability::{
        Answer, Error, Outcome,
        files::{self, Kind, Request, Snapshot, Stat, WriteOptions},
    },
    digest::Digest,
    time::Timestamp,
};

/// What stands at a path.
#[derive(Debug, Clone)]
struct Entry {
    stat: Stat,
    contents: Vec<u8>,
}

/// All files.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    entries: BTreeMap<String, Entry>,
    /// Contents that snapshots kept, by name.
    kept: BTreeMap<String, Vec<u8>>,
}

impl Disk {
    /// With these files, made at this moment.
    pub(crate) fn with<'a>(files: impl Iterator<Item = (&'a String, &'a String)>, at: Timestamp) -> Self {
        let mut disk = Self::default();
        for (path, text) in files {
            disk.put(path, text.as_bytes().to_vec(), &WriteOptions::default(), at);
        }
        disk
    }

    /// The text of a file; `None` when there is none at this path.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        let entry = self.entries.get(path).filter(|entry| entry.stat.kind == Kind::File)?;
        Some(String::from_utf8_lossy(&entry.contents).into_owned())
    }

    /// Whether anything stands at this path.
    pub(crate) fn holds(&self, path: &str) -> bool {
        self.find(path).is_some()
    }

    /// Does what is asked.
    pub(crate) fn perform(&mut self, request: Request, now: Timestamp) -> Outcome {
        match request {
            Request::Read { path, .. } => {
                let read = self.read(&self.resolved(&path))?;
                Ok(Answer::Files(files::Answer::Contents(Bytes(read))))
            }
            Request::Write {
                path,
                contents,
                options,
                ..
            } => {
                self.needs_folder(&path, options.parents)?;
                self.put(&path, contents.0, &options, now);
                Ok(Answer::Done)
            }
            Request::Stat { path, .. } => Ok(Answer::Files(files::Answer::Stat(self.find(&path)))),
            Request::ListDirectory { path, .. } => Ok(Answer::Files(files::Answer::Names(self.names(&path)?))),
            Request::MakeDirectory { path, mode, .. } => {
                self.folder(&path, mode, now);
                Ok(Answer::Done)
            }
            Request::Link { path, points_to, .. } => {
                self.needs_folder(&path, false)?;
                self.link(path, points_to, now);
                Ok(Answer::Done)
            }
            Request::Remove { path, .. } => self.remove(&path),
            Request::Snapshot { path, .. } => Ok(Answer::Files(files::Answer::Snapshot(self.keep(path)))),
            Request::Restore { snapshot, .. } => self.restore(snapshot, now),
        }
    }

    /// What stands there: a file, a link, a folder that was made, or one with something below it.
    fn find(&self, path: &str) -> Option<Stat> {
        if let Some(entry) = self.entries.get(path) {
            return Some(entry.stat.clone());
        }
        let below = format!("{}/", path.trim_end_matches('/'));
        let first = self.entries.range(below.clone()..).next()?;
        first
            .0
            .starts_with(&below)
            .then(|| facts(Kind::Directory, 0, 0o755, first.1.stat.modified))
    }

    /// Where a link leads.
    fn resolved(&self, path: &str) -> String {
        const LINKS_MAX: usize = 40;
        let mut path = path.to_owned();
        for _ in 0..LINKS_MAX {
            let link = self.entries.get(&path).and_then(|entry| entry.stat.link.clone());
            let Some(link) = link else { break };
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            path = if link.starts_with('/') {
                link
            } else {
                format!("{folder}/{link}")
            };
        }
        path
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        match self.entries.get(path) {
            Some(entry) if entry.stat.kind == Kind::File => Ok(entry.contents.clone()),
            Some(_) => Err(Error::Invalid(format!("`{path}` is no regular file"))),
            None => Err(Error::NotFound(format!(
                "there is no file `{path}` in this scenario: write it under `files`"
            ))),
        }
    }

    fn needs_folder(&self, path: &str, make: bool) -> Result<(), Error> {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let known = make || folder.matches('/').count() <= 1 || self.find(folder).is_some();
        if known {
            return Ok(());
        }
        Err(Error::NotFound(format!(
            "the folder of `{path}` is not there in this scenario: put a file into it under `files`"
        )))
    }

    fn put(&mut self, path: &str, contents: Vec<u8>, options: &WriteOptions, at: Timestamp) {
        let before = self.entries.get(path).map(|entry| entry.stat.clone());
        let mode = options.mode.or(before.as_ref().map(|stat| stat.mode)).unwrap_or(0o644);
        let mut stat = facts(Kind::File, contents.len() as u64, mode, at);
        stat.sha256 = Some(Digest::of(&contents).to_hex());
        let owner = options.owner.clone().or(before.as_ref().map(|stat| stat.owner.clone()));
        let group = options.group.clone().or(before.map(|stat| stat.group));
        stat.owner = owner.unwrap_or(stat.owner);
        stat.group = group.unwrap_or(stat.group);
        self.entries.insert(path.to_owned(), Entry { stat, contents });
    }

    fn folder(&mut self, path: &str, mode: Option<u32>, at: Timestamp) {
        let stat = facts(Kind::Directory, 0, mode.unwrap_or(0o755), at);
        let contents = Vec::new();
        self.entries.entry(path.to_owned()).or_insert(Entry { stat, contents });
    }

    fn link(&mut self, path: String, points_to: String, at: Timestamp) {
        let mut stat = facts(Kind::Symlink, points_to.len() as u64, 0o777, at);
        stat.link = Some(points_to);
        let contents = Vec::new();
        self.entries.insert(path, Entry { stat, contents });
    }

    fn names(&self, path: &str) -> Result<Vec<String>, Error> {
        let below = format!("{}/", self.resolved(path).trim_end_matches('/'));
        if self.find(path).is_none() {
            return Err(Error::NotFound(format!("there is no folder `{path}` in this scenario")));
        }
        let inside = self.entries.range(below.clone()..);
        let names = inside.map_while(|(it, _)| it.strip_prefix(&below));
        let mut names: Vec<String> = names
            .filter_map(|rest| rest.split('/').next())
            .map(str::to_owned)
            .collect();
        names.dedup();
        Ok(names)
    }

    fn remove(&mut self, path: &str) -> Outcome {
        let below = format!("{path}/");
        let full = self.entries.range(below.clone()..).next();
        if full.is_some_and(|(it, _)| it.starts_with(&below)) {
            return Err(Error::Invalid(format!("the folder `{path}` is not empty")));
        }
        self.entries.remove(path);
        Ok(Answer::Done)
    }

    fn keep(&mut self, path: String) -> Snapshot {
        let before = self.find(&path);
        let contents = self.entries.get(&path).filter(|entry| entry.stat.kind == Kind::File);
        let contents = contents.map(|entry| {
            let name = Digest::of(&entry.contents).to_string();
            self.kept.insert(name.clone(), entry.contents.clone());
            name
        });
        Snapshot { path, before, contents }
    }

    fn restore(&mut self, snapshot: Snapshot, now: Timestamp) -> Outcome {
        let Snapshot { path, before, contents } = snapshot;
        let Some(before) = before else {
            return self.remove(&path);
        };
        match before.kind {
            Kind::File => {
                let kept = contents.and_then(|name| self.kept.get(&name).cloned());
                let kept = kept.ok_or_else(|| Error::Invalid(format!("the snapshot of `{path}` has no contents")))?;
                let entry = Entry {
                    stat: before,
                    contents: kept,
                };
                self.entries.insert(path, entry);
            }
            Kind::Symlink => self.link(path, before.link.unwrap_or_default(), now),
            Kind::Directory | Kind::Other => self.folder(&path, Some(before.mode), now),
        }
        Ok(Answer::Done)
    }
}

fn facts(kind: Kind, size: u64, mode: u32, modified: Timestamp) -> Stat {
    Stat {
        kind,
        size,
        mode,
        owner: "root".to_owned(),
        group: "root".to_owned(),
        modified,
        link: None,
        sha256: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_millis(0);

    fn write(path: &str, text: &str) -> Request {
        Request::Write {
            on: None,
            path: path.into(),
            contents: text.as_bytes().to_vec().into(),
            options: WriteOptions::default(),
        }
    }

    fn snapshot(disk: &mut Disk, path: &str) -> Snapshot {
        let request = Request::Snapshot {
            on: None,
            path: path.into(),
        };
        match disk.perform(request, AT) {
            Ok(Answer::Files(files::Answer::Snapshot(snapshot))) => snapshot,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_kept_comes_back() {
        let files = BTreeMap::from([("/etc/app/x".to_owned(), "old".to_owned())]);
        let mut disk = Disk::with(files.iter(), AT);
        let (old, none) = (snapshot(&mut disk, "/etc/app/x"), snapshot(&mut disk, "/etc/app/y"));
        disk.perform(write("/etc/app/x", "new"), AT).unwrap();
        disk.perform(write("/etc/app/y", "more"), AT).unwrap();
        assert_eq!(disk.text("/etc/app/x").as_deref(), Some("new"));
        for snapshot in [old, none] {
            disk.perform(Request::Restore { on: None, snapshot }, AT).unwrap();
        }
        assert_eq!(disk.text("/etc/app/x").as_deref(), Some("old"));
        assert!(!disk.holds("/etc/app/y"));
    }

    #[test]
    fn folders_are_there_when_something_is_in_them() {
        let files = BTreeMap::from([("/srv/app/releases/1/run".to_owned(), String::new())]);
        let mut disk = Disk::with(files.iter(), AT);
        assert_eq!(disk.names("/srv/app/releases"), Ok(vec!["1".to_owned()]));
        assert!(disk.perform(write("/srv/other/x", ""), AT).is_err());
        assert!(disk.perform(write("/srv/app/x", ""), AT).is_ok());
        disk.link("/srv/app/current".into(), "releases/1".into(), AT);
        assert_eq!(disk.resolved("/srv/app/current"), "/srv/app/releases/1");
    }
}
