//! Files in memory.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::{Error, Facts, Kept, Kind, Target, WriteOptions};

type Place = (Target, String);

#[derive(Debug, Clone, PartialEq)]
enum Node {
    File {
        contents: Vec<u8>,
        mode: u32,
        owner: String,
        group: String,
    },
    Directory,
    Link(String),
}

/// The files of every target. `/` and `/tmp` are there at the start.
#[derive(Debug, Default)]
pub(super) struct Files {
    nodes: BTreeMap<Place, Node>,
    kept: Vec<Option<Node>>,
}

fn not_found(path: &str) -> Error {
    Error::NotFound(format!("`{path}` does not exist"))
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/')
        .map_or("/", |(above, _)| if above.is_empty() { "/" } else { above })
}

fn place(on: &Target, path: &str) -> Place {
    (on.clone(), path.to_owned())
}

impl Files {
    fn is_directory(&self, on: &Target, path: &str) -> bool {
        ["/", "/tmp", "/etc"].contains(&path) || self.nodes.get(&place(on, path)) == Some(&Node::Directory)
    }

    fn check_parent(&self, on: &Target, path: &str) -> Result<(), Error> {
        if self.is_directory(on, parent(path)) {
            Ok(())
        } else {
            Err(not_found(parent(path)))
        }
    }

    pub(super) fn read(&self, on: &Target, path: &str) -> Result<Vec<u8>, Error> {
        match self.nodes.get(&place(on, path)) {
            Some(Node::File { contents, .. }) => Ok(contents.clone()),
            Some(Node::Directory | Node::Link(_)) => Err(Error::Invalid(format!("`{path}` is no regular file"))),
            None => Err(not_found(path)),
        }
    }

    pub(super) fn write(&mut self, on: &Target, path: &str, contents: &[u8], how: &WriteOptions) -> Result<(), Error> {
        if how.parents {
            self.make_directory(on, parent(path))?;
        }
        self.check_parent(on, path)?;
        let (mode, owner, group) = match self.nodes.get(&place(on, path)) {
            Some(Node::File { mode, owner, group, .. }) => (*mode, owner.clone(), group.clone()),
            Some(Node::Directory) => return Err(Error::Invalid(format!("`{path}` is a folder"))),
            Some(Node::Link(_)) | None => (0o644, "root".to_owned(), "root".to_owned()),
        };
        let file = Node::File {
            contents: contents.to_vec(),
            mode: how.mode.unwrap_or(mode),
            owner: how.owner.clone().unwrap_or(owner),
            group: how.group.clone().unwrap_or(group),
        };
        self.nodes.insert(place(on, path), file);
        Ok(())
    }

    pub(super) fn stat(&self, on: &Target, path: &str) -> Option<Facts> {
        if self.is_directory(on, path) {
            return Some(facts(&Node::Directory));
        }
        self.nodes.get(&place(on, path)).map(facts)
    }

    pub(super) fn list(&self, on: &Target, path: &str) -> Result<Vec<String>, Error> {
        if !self.is_directory(on, path) {
            return Err(not_found(path));
        }
        let inside = self
            .nodes
            .keys()
            .filter(|(target, name)| target == on && parent(name) == path);
        Ok(inside
            .filter_map(|(_, name)| name.rsplit('/').next().map(str::to_owned))
            .collect())
    }

    pub(super) fn make_directory(&mut self, on: &Target, path: &str) -> Result<(), Error> {
        let mut path = path;
        while !self.is_directory(on, path) {
            if self.nodes.contains_key(&place(on, path)) {
                return Err(Error::Invalid(format!("`{path}` is no folder")));
            }
            self.nodes.insert(place(on, path), Node::Directory);
            path = parent(path);
        }
        Ok(())
    }

    pub(super) fn link(&mut self, on: &Target, path: &str, points_to: &str) -> Result<(), Error> {
        self.check_parent(on, path)?;
        if self.is_directory(on, path) {
            return Err(Error::Invalid(format!("`{path}` is a folder")));
        }
        self.nodes.insert(place(on, path), Node::Link(points_to.to_owned()));
        Ok(())
    }

    pub(super) fn remove(&mut self, on: &Target, path: &str) -> Result<(), Error> {
        let below = format!("{path}/");
        if self
            .nodes
            .keys()
            .any(|(target, name)| target == on && name.starts_with(&below))
        {
            return Err(Error::Invalid(format!("the folder `{path}` is not empty")));
        }
        self.nodes.remove(&place(on, path));
        Ok(())
    }

    pub(super) fn snapshot(&mut self, on: &Target, path: &str) -> Result<Kept, Error> {
        if self.is_directory(on, path) {
            return Err(Error::Invalid(format!("`{path}` is a folder")));
        }
        let node = self.nodes.get(&place(on, path)).cloned();
        let before = node.as_ref().map(facts);
        let contents = matches!(node, Some(Node::File { .. })).then(|| format!("kept:{}", self.kept.len()));
        if contents.is_some() {
            self.kept.push(node);
        }
        Ok(Kept {
            path: path.to_owned(),
            before,
            contents,
        })
    }

    pub(super) fn restore(&mut self, on: &Target, kept: &Kept) -> Result<(), Error> {
        let index = kept
            .contents
            .as_deref()
            .and_then(|name| name.strip_prefix("kept:")?.parse::<usize>().ok());
        let node = match (index, &kept.before) {
            (Some(index), _) => self.kept.get(index).cloned().flatten(),
            (None, Some(facts)) => facts.link.clone().map(Node::Link),
            (None, None) => None,
        };
        match node {
            Some(node) => drop(self.nodes.insert(place(on, &kept.path), node)),
            None => drop(self.nodes.remove(&place(on, &kept.path))),
        }
        Ok(())
    }
}

fn facts(node: &Node) -> Facts {
    let (kind, size, mode, owner, group) = match node {
        Node::File {
            contents,
            mode,
            owner,
            group,
        } => (Kind::File, contents.len(), *mode, owner.as_str(), group.as_str()),
        Node::Directory => (Kind::Directory, 0, 0o755, "root", "root"),
        Node::Link(_) => (Kind::Symlink, 0, 0o777, "root", "root"),
    };
    let (link, sha256) = match node {
        Node::File { contents, .. } => (None, Some(digest(contents))),
        Node::Directory => (None, None),
        Node::Link(points_to) => (Some(points_to.clone()), None),
    };
    let (owner, group) = (owner.to_owned(), group.to_owned());
    Facts {
        kind,
        size: size as u64,
        mode,
        owner,
        group,
        modified: 0,
        link,
        sha256,
    }
}

pub(super) fn digest(contents: &[u8]) -> String {
    Sha256::digest(contents)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
