//! A directory as a disk may have it after the power was cut, from what the shim wrote down.
//!
//! What a sync covers that ended before the cut is there. Of everything later any part may be: whole writes, single
//! pages of 4,096 bytes, sectors of 512. Names follow the sync of their directory in the same way; those that are not
//! synced are there up to some moment, as in a file system with a journal.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};

use fastrand::Rng;

const PAGE: usize = 4_096;
const SECTOR: usize = 512;

/// One entry of the shim's log.
pub(crate) struct Entry {
    kind: u8,
    inode: u64,
    number: u64,
    bytes: Vec<u8>,
}

/// Reads a log.
pub(crate) fn entries(log: &Path) -> Vec<Entry> {
    let bytes = fs::read(log).unwrap();
    let (mut rest, mut entries) = (bytes.as_slice(), Vec::new());
    while let Some((head, after)) = rest.split_at_checked(32) {
        let number = |n: usize| u64::from_le_bytes(head[n * 8..][..8].try_into().unwrap());
        let (bytes, after) = after.split_at(usize::try_from(number(3)).unwrap());
        entries.push(Entry {
            kind: u8::try_from(number(0)).unwrap(),
            inode: number(1),
            number: number(2),
            bytes: bytes.to_vec(),
        });
        rest = after;
    }
    entries
}

impl Entry {
    fn path(&self) -> PathBuf {
        PathBuf::from(self.text())
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    /// What was printed, if anything was.
    pub(crate) fn printed(&self) -> Option<&str> {
        (self.kind == b'A').then(|| self.text())
    }
}

/// The files of a directory and what is in them; a directory is `None`.
pub(crate) type Files = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// Reads a directory.
pub(crate) fn files(directory: &Path) -> Files {
    let mut files = Files::from([(directory.to_owned(), None)]);
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.insert(path.clone(), Some(fs::read(path).unwrap()));
        }
    }
    files
}

/// Writes a directory anew.
pub(crate) fn lay_out(files: &Files, directory: &Path) {
    if directory.exists() {
        fs::remove_dir_all(directory).unwrap();
    }
    for (path, bytes) in files {
        match bytes {
            None => fs::create_dir_all(path).unwrap(),
            Some(bytes) => fs::write(path, bytes).unwrap(),
        }
    }
}

#[derive(Clone, Copy)]
enum Change<'a> {
    Write(usize, &'a [u8]),
    Resize(usize),
}

/// A file's contents: what it was at the beginning, and what was done to it.
#[derive(Default)]
struct File<'a> {
    before: Vec<u8>,
    changes: Vec<Change<'a>>,
    /// So many changes are covered by a sync.
    synced: usize,
}

enum Name {
    Made(PathBuf, usize),
    Folder(PathBuf),
    Moved(PathBuf, PathBuf),
    Gone(PathBuf),
}

/// What was done until a cut.
#[derive(Default)]
struct Past<'a> {
    files: Vec<File<'a>>,
    by_inode: HashMap<u64, usize>,
    folders: HashMap<u64, PathBuf>,
    names: Vec<Name>,
    /// So many changes of names are covered by a sync of their directory.
    synced_names: HashMap<PathBuf, usize>,
    /// Of each sync that has begun, how many changes it covers.
    syncs: HashMap<u64, usize>,
    /// The files that were there at the beginning.
    before: BTreeMap<PathBuf, usize>,
    folders_before: BTreeSet<PathBuf>,
    /// The one above all.
    root: Option<PathBuf>,
}

/// What a cut leaves of what no sync covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    Everything,
    Nothing,
    /// Any pages and sectors.
    Pages,
    /// Any whole writes.
    Writes,
    /// Whole writes up to some moment, and a part of the next.
    Earlier,
    /// Only whole writes from some moment on, which is the worst for those who wrote in order.
    Later,
}

impl Left {
    pub(crate) const ALL: [Self; 6] = [
        Self::Everything,
        Self::Nothing,
        Self::Pages,
        Self::Writes,
        Self::Earlier,
        Self::Later,
    ];
}

/// The directory after a cut before entry `at`.
pub(crate) fn cut(before: &Files, log: &[Entry], at: usize, left: Left, chance: &mut Rng) -> Files {
    let mut past = Past::default();
    for (path, bytes) in before {
        match bytes {
            None => drop(past.folders_before.insert(path.clone())),
            Some(bytes) => {
                past.before.insert(path.clone(), past.files.len());
                past.files.push(File {
                    before: bytes.clone(),
                    ..File::default()
                });
            }
        }
    }
    past.root = past.folders_before.first().cloned();
    for entry in &log[..at] {
        past.take(entry);
    }
    past.settle(left, chance)
}

impl<'a> Past<'a> {
    fn take(&mut self, entry: &'a Entry) {
        let number = usize::try_from(entry.number).unwrap();
        match entry.kind {
            b'O' => self.open(entry, number),
            b'W' => self.change(entry.inode, Change::Write(number, &entry.bytes)),
            b'T' => self.change(entry.inode, Change::Resize(number)),
            b'B' => {
                let covered = match self.folders.get(&entry.inode) {
                    Some(_) => self.names.len(),
                    None => self.files[self.by_inode[&entry.inode]].changes.len(),
                };
                self.syncs.insert(entry.number, covered);
            }
            b'E' => {
                let covered = self.syncs[&entry.number];
                let synced = match self.folders.get(&entry.inode) {
                    Some(path) => self.synced_names.entry(path.clone()).or_default(),
                    None => &mut self.files[self.by_inode[&entry.inode]].synced,
                };
                *synced = covered.max(*synced);
            }
            b'N' => {
                let (from, to) = entry.text().split_at(number);
                self.names.push(Name::Moved(from.into(), to.into()));
            }
            b'U' => self.names.push(Name::Gone(entry.path())),
            b'D' => self.names.push(Name::Folder(entry.path())),
            b'A' | b'R' => {}
            other => panic!("the shim writes no entry {other}"),
        }
    }

    fn open(&mut self, entry: &Entry, how: usize) {
        let path = entry.path();
        if how & 4 != 0 {
            self.folders.insert(entry.inode, path);
        } else if how & 1 != 0 {
            self.by_inode.insert(entry.inode, self.files.len());
            self.names.push(Name::Made(path, self.files.len()));
            self.files.push(File::default());
        } else {
            let before = &self.before;
            let file = *self.by_inode.entry(entry.inode).or_insert_with(|| before[&path]);
            if how & 2 != 0 {
                self.files[file].changes.push(Change::Resize(0));
            }
        }
    }

    fn change(&mut self, inode: u64, change: Change<'a>) {
        self.files[self.by_inode[&inode]].changes.push(change);
    }

    fn settle(self, left: Left, chance: &mut Rng) -> Files {
        let until = match left {
            Left::Everything => self.names.len(),
            Left::Nothing => 0,
            Left::Pages | Left::Writes | Left::Earlier | Left::Later => chance.usize(..=self.names.len()),
        };
        let (mut named, mut folders) = (self.before, self.folders_before);
        for (index, name) in self.names.into_iter().enumerate() {
            let synced = |path: &Path| {
                let folder = path.parent().unwrap();
                index < until.max(self.synced_names.get(folder).copied().unwrap_or(0))
            };
            match name {
                Name::Made(path, file) if synced(&path) => drop(named.insert(path, file)),
                Name::Folder(path) if synced(&path) => drop(folders.insert(path)),
                Name::Gone(path) if synced(&path) => drop(named.remove(&path)),
                Name::Moved(from, to) if synced(&to) => {
                    if let Some(file) = named.remove(&from) {
                        named.insert(to, file);
                    }
                }
                Name::Made(..) | Name::Folder(_) | Name::Gone(_) | Name::Moved(..) => {}
            }
        }
        let mut files = Files::new();
        // Those above come first. What lies in a folder that is not there is not there either.
        for path in folders {
            if self.root.as_ref() == Some(&path) || files.contains_key(path.parent().unwrap()) {
                files.insert(path, None);
            }
        }
        for (path, file) in named {
            if files.contains_key(path.parent().unwrap()) {
                files.insert(path, Some(self.files[file].settle(left, chance)));
            }
        }
        files
    }
}

impl File<'_> {
    fn settle(&self, left: Left, chance: &mut Rng) -> Vec<u8> {
        let mut bytes = self.before.clone();
        let (synced, later) = self.changes.split_at(self.synced);
        for change in synced {
            change.make(&mut bytes);
        }
        let border = chance.usize(..=later.len());
        for (index, change) in later.iter().enumerate() {
            match left {
                Left::Everything => change.make(&mut bytes),
                Left::Nothing => {}
                Left::Pages => change.make_some(&mut bytes, chance),
                Left::Writes if chance.bool() => change.make(&mut bytes),
                Left::Earlier if index < border => change.make(&mut bytes),
                Left::Earlier if index == border => change.make_some(&mut bytes, chance),
                Left::Later if index >= border => change.make(&mut bytes),
                Left::Writes | Left::Earlier | Left::Later => {}
            }
        }
        bytes
    }
}

impl Change<'_> {
    fn make(self, file: &mut Vec<u8>) {
        match self {
            Self::Resize(length) => file.resize(length, 0),
            Self::Write(at, bytes) => {
                file.resize(file.len().max(at + bytes.len()), 0);
                file[at..at + bytes.len()].copy_from_slice(bytes);
            }
        }
    }

    /// Makes a part of it: pages, and now and then only the first or the last sectors of one.
    fn make_some(self, file: &mut Vec<u8>, chance: &mut Rng) {
        let Self::Write(mut at, mut bytes) = self else {
            if chance.bool() {
                self.make(file);
            }
            return;
        };
        while !bytes.is_empty() {
            let (page, rest) = bytes.split_at(bytes.len().min(PAGE - at % PAGE));
            let border = (chance.usize(..=PAGE / SECTOR) * SECTOR)
                .saturating_sub(at % PAGE)
                .min(page.len());
            match chance.u8(..8) {
                0..4 => Self::Write(at, page).make(file),
                4 => Self::Write(at, &page[..border]).make(file),
                5 => Self::Write(at + border, &page[border..]).make(file),
                _ => {}
            }
            at += page.len();
            bytes = rest;
        }
    }
}
