//! The manifest of a package, and which of its files is for this machine.

use runwright_sdk::{Command, Failure, Host};
use serde_json::Value;

/// A file to install.
pub(crate) struct Package {
    /// Its path.
    pub(crate) file: String,
    /// The digest that it must have.
    pub(crate) sha256: String,
    /// Its version.
    pub(crate) version: String,
}

const MANIFEST: &str = "manifest.json";
const ANY: &str = "_any";
/// What manifests call a system whose `/etc/os-release` has another word for it.
const PLATFORMS: [(&str, &str); 3] = [("amzn", "amazon"), ("rhel", "redhat"), ("ol", "oracle")];

impl Package {
    /// The file of this version, or of the latest.
    pub(crate) fn find(host: &impl Host, folder: &str, version: &str) -> Result<Self, Failure> {
        let folder = version_folder(host, folder, version)?;
        let path = format!("{folder}/{MANIFEST}");
        let bytes = host
            .read_file(&None, &path)
            .map_err(|error| Failure::from(error).while_doing(&format!("reading {path}")))?;
        let manifest: Value = serde_json::from_slice(&bytes)
            .map_err(|error| Failure::invalid(format!("{path} is no manifest: {error}")))?;
        let own = manifest["version"].as_str().filter(|own| is_version(own));
        let own = own.ok_or_else(|| Failure::invalid(format!("{path} is no manifest: it has no `version`")))?;
        if !version.is_empty() && version != own {
            return Err(Failure::invalid(format!(
                "there is no version `{version}` of the package in {folder}: it is {own}"
            )));
        }
        let file = file(host, &manifest)?.ok_or_else(|| {
            Failure::failed(format!(
                "{path} names no file for the system and the processor of this machine"
            ))
        })?;
        let sha256 = manifest["files"][&file]["checksums"]["sha256"].as_str();
        let sha256 = sha256.ok_or_else(|| {
            Failure::invalid(format!(
                "{path} has no SHA-256 of {file}, without which it is not installed"
            ))
        })?;
        Ok(Self {
            file: format!("{folder}/{file}"),
            sha256: sha256.to_lowercase(),
            version: own.to_owned(),
        })
    }
}

/// The folder whose manifest counts: the package's own, or that of a version in it.
fn version_folder(host: &impl Host, folder: &str, version: &str) -> Result<String, Failure> {
    let is_file = |path: String| matches!(host.stat(&None, &path), Ok(Some(_)));
    if is_file(format!("{folder}/{MANIFEST}")) {
        return Ok(folder.to_owned());
    }
    let names = host
        .list_directory(&None, folder)
        .map_err(|error| Failure::from(error).while_doing(&format!("looking for {folder}/{MANIFEST}")))?;
    let mut versions: Vec<String> = names
        .into_iter()
        .filter(|name| is_version(name) && is_file(format!("{folder}/{name}/{MANIFEST}")))
        .collect();
    versions.sort_by_key(|version| order(version));
    let wanted = if version.is_empty() {
        versions.pop()
    } else {
        versions.into_iter().find(|known| known == version)
    };
    match wanted {
        Some(version) => Ok(format!("{folder}/{version}")),
        None if version.is_empty() => Err(Failure::invalid(format!("there is no {MANIFEST} in {folder}"))),
        None => Err(Failure::invalid(format!("there is no version `{version}` in {folder}"))),
    }
}

/// It becomes the name of a folder.
fn is_version(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
    !text.is_empty() && !text.starts_with('.') && text.chars().all(legal)
}

/// Numbers compare as numbers.
fn order(version: &str) -> Vec<(u64, String)> {
    let parts = version.split(['.', '-', '_', '+']);
    parts.map(|part| (part.parse().unwrap_or(0), part.to_owned())).collect()
}

/// The file for this machine: exact names first, then `_any`.
fn file(host: &impl Host, manifest: &Value) -> Result<Option<String>, Failure> {
    let release = host.read_file(&None, "/etc/os-release").unwrap_or_default();
    let release = String::from_utf8_lossy(&release).into_owned();
    let fact = |name: &str| {
        let line = release
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or(ANY).trim_matches('"').to_owned()
    };
    let processor = host
        .run(&None, &Command::program(["uname", "-m"]))?
        .stdout
        .trim()
        .to_owned();
    let processor = if processor == "aarch64" {
        "arm64".to_owned()
    } else {
        processor
    };
    let id = fact("ID");
    let platform = PLATFORMS
        .iter()
        .find(|(own, _)| *own == id)
        .map_or(id.as_str(), |(_, name)| name);
    let release = fact("VERSION_ID");
    for platform in [platform, ANY] {
        for release in [release.as_str(), ANY] {
            for processor in [processor.as_str(), ANY] {
                let file = manifest["packages"][platform][release][processor]["file"].as_str();
                if let Some(file) = file.filter(|file| is_version(file)) {
                    return Ok(Some(file.to_owned()));
                }
            }
        }
    }
    Ok(None)
}
