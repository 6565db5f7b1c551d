//! Writes into a runbook the digests of the plugins it binds, and leaves everything else as it is written.

use std::path::Path;

use runwright_compiler::{PluginBinding, PluginSource, Source, Tree, escaped, parse, tree};
use runwright_model::digest::Digest;
use semver::Version;
use serde::Serialize;

use crate::{Error, Library};

/// One plugin that was pinned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pinned {
    /// Its action.
    pub action: String,
    /// The component's file, or its name in a registry.
    pub path: String,
    /// The digest that is written now, in hexadecimal.
    pub sha256: String,
    /// The one that was written before.
    pub was: Option<String>,
    /// The component's version, where the pin changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// A higher version that was locked or used here before, where going back was allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lower_than: Option<Version>,
}

impl Library {
    /// The runbook's text with the digests of its plugins' files in their `sha256`, and what was pinned. Comments and layout
    /// stay. `folder` is where paths begin. What is pinned anew is looked at as if the runbook were started; a version below
    /// the highest that was locked or used here is pinned with `allow_downgrade` only. Nothing is written:
    /// [`Library::locked`] is to be called for what was.
    ///
    /// # Errors
    ///
    /// [`Error::Document`] when the text cannot be read, or a component must not be used; [`Error::Unreadable`] for a component,
    /// and those of registries.
    pub async fn lock(
        &self,
        source: &Source,
        folder: &Path,
        allow_downgrade: bool,
    ) -> Result<(String, Vec<Pinned>), Error> {
        let tree = tree(source).map_err(|diagnostics| Error::Document {
            source_text: Box::new(source.clone()),
            diagnostics,
        })?;
        let mut pinned = Vec::new();
        let mut changes: Vec<Change> = Vec::new();
        for binding in parse(source).plugins() {
            let (key, path, digest) = match &binding.source {
                PluginSource::Path(path) => ("path", path, digest_of(&folder.join(path))?),
                PluginSource::Registry(reference) => ("oci", reference, self.resolve(reference).await?),
            };
            let mut it = Pinned {
                action: binding.action.clone(),
                path: path.clone(),
                sha256: digest.to_hex(),
                was: binding.sha256.clone(),
                version: None,
                lower_than: None,
            };
            if it.was.as_ref() != Some(&it.sha256) {
                let version = self.version_of(binding, &it.sha256, source, folder).await?;
                it.lower_than = self
                    .distribution
                    .check_pin(&binding.action, &version, allow_downgrade)?;
                it.version = Some(version);
            }
            changes.push(change(&source.text, &tree, &it, key));
            pinned.push(it);
        }
        // From the end to the beginning, so that places stay what they were.
        changes.sort_by_key(|change| std::cmp::Reverse(change.at));
        let mut text = source.text.clone();
        for change in changes {
            text.replace_range(change.at..change.at + change.length, &change.text);
        }
        Ok((text, pinned))
    }

    /// Remembers what was pinned, so that nobody pins a lower version here unawares.
    ///
    /// # Errors
    ///
    /// When the state directory cannot be written.
    pub fn locked(&self, pinned: &[Pinned]) -> Result<(), Error> {
        let version = |it: &Pinned| Some((it.action.clone(), it.version.clone()?));
        let versions: Vec<_> = pinned.iter().filter_map(version).collect();
        Ok(self.distribution.remember(&versions)?)
    }

    /// The version of the component that is to be pinned, when it may be used.
    async fn version_of(
        &self,
        binding: &PluginBinding,
        sha256: &str,
        source: &Source,
        folder: &Path,
    ) -> Result<Version, Error> {
        let binding = PluginBinding {
            sha256: Some(sha256.to_owned()),
            ..binding.clone()
        };
        let refused = |(_, found)| Error::Document {
            source_text: Box::new(source.clone()),
            diagnostics: vec![found],
        };
        let (_, spec) = self.bind(&binding, folder).await.map_err(refused)?;
        let version = spec.manifest.version.parse();
        Ok(version.expect("the host takes no manifest with another version"))
    }
}

fn digest_of(file: &Path) -> Result<Digest, Error> {
    let bytes = std::fs::read(file).map_err(|why| Error::Unreadable {
        path: file.display().to_string(),
        why: why.to_string(),
    })?;
    Ok(Digest::of(&bytes))
}

/// A part of the text, and what takes its place.
struct Change {
    at: usize,
    length: usize,
    text: String,
}

/// `beside` is the key that names the component.
fn change(text: &str, tree: &Tree, pinned: &Pinned, beside: &str) -> Change {
    let entry = format!("/plugins/{}", escaped(&pinned.action));
    let digest = &pinned.sha256;
    if let Some(was) = &pinned.was {
        let key = tree.key_span(&format!("{entry}/sha256")).bytes.start;
        let at = text[key..].find(was.as_str()).map_or(key, |at| key + at);
        let length = was.len();
        return Change {
            at,
            length,
            text: digest.clone(),
        };
    }
    let key = tree.key_span(&format!("{entry}/{beside}")).bytes.start;
    let before = text[..key].trim_end_matches(['"', '\'']);
    let quoted = before.len() < key || text[key..].starts_with(['"', '\'']);
    let start = before.len();
    let around = before.trim_end();
    let (at, text) = if around.ends_with(['{', ',']) {
        // Between braces: before the path, with a comma.
        let name = if quoted { "\"sha256\"" } else { "sha256" };
        (start, format!("{name}: \"{digest}\", "))
    } else {
        // A line of its own below the path's, under its first letter.
        let line = text[..key].rfind('\n').map_or(0, |at| at + 1);
        let indent = " ".repeat(start - line);
        let end = text[key..].find('\n').map_or(text.len(), |at| key + at);
        (end, format!("\n{indent}sha256: \"{digest}\""))
    };
    Change { at, length: 0, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with a pin for `a:b`, whose digest is short here.
    fn locked(text: &str, was: Option<&str>) -> String {
        let source = Source {
            name: "it".into(),
            origin: "it.yaml".into(),
            text: text.into(),
        };
        let pinned = Pinned {
            action: "a:b".into(),
            path: "x.wasm".into(),
            sha256: "d1".into(),
            was: was.map(str::to_owned),
            version: None,
            lower_than: None,
        };
        let beside = if text.contains("path") { "path" } else { "oci" };
        let change = change(text, &tree(&source).unwrap(), &pinned, beside);
        let mut text = text.to_owned();
        text.replace_range(change.at..change.at + change.length, &change.text);
        assert_eq!(
            tree(&Source {
                text: text.clone(),
                ..source
            })
            .unwrap()
            .value()["plugins"]["a:b"]["sha256"],
            "d1",
            "{text}"
        );
        text
    }

    #[test]
    fn comments_and_layout_stay() {
        let block = "# why\nplugins:\n  a:b:\n    # the file\n    path: x.wasm  # ours\n    grants: {}\n";
        assert_eq!(
            locked(block, None),
            "# why\nplugins:\n  a:b:\n    # the file\n    path: x.wasm  # ours\n    sha256: \"d1\"\n    grants: {}\n"
        );
        assert_eq!(
            locked("plugins:\n  a:b: {path: x.wasm}  # short\n", None),
            "plugins:\n  a:b: {sha256: \"d1\", path: x.wasm}  # short\n"
        );
        assert_eq!(
            locked("plugins:\n  a:b:\n    oci: x.example/b:1\n    grants: {}\n", None),
            "plugins:\n  a:b:\n    oci: x.example/b:1\n    sha256: \"d1\"\n    grants: {}\n"
        );
        assert_eq!(
            locked("{\"plugins\": {\"a:b\": {\"path\": \"x.wasm\"}}}", None),
            "{\"plugins\": {\"a:b\": {\"sha256\": \"d1\", \"path\": \"x.wasm\"}}}"
        );
    }

    #[test]
    fn an_older_pin_is_replaced_where_it_stands() {
        assert_eq!(
            locked(
                "plugins:\n  a:b:\n    sha256: 00aa # old\n    path: x.wasm",
                Some("00aa")
            ),
            "plugins:\n  a:b:\n    sha256: d1 # old\n    path: x.wasm"
        );
        assert_eq!(
            locked("plugins: {a:b: {path: x.wasm, sha256: \"00aa\"}}", Some("00aa")),
            "plugins: {a:b: {path: x.wasm, sha256: \"d1\"}}"
        );
    }

    #[test]
    fn a_text_without_an_end_of_line_is_one_too() {
        assert_eq!(
            locked("plugins:\n  a:b:\n    path: x.wasm", None),
            "plugins:\n  a:b:\n    path: x.wasm\n    sha256: \"d1\""
        );
    }
}
