//! Where plugins of runbooks come from, and whether they may be used: files, registries, signatures, versions.

use std::path::Path;

use runwright_author::{Project, newer};
use runwright_compiler::{PluginBinding, PluginSource};
use runwright_model::{digest::Digest, plan::Plan};
use runwright_registry::{Error, Proof, Registry, Settings, Trust, Versions, signature};
use semver::Version;

use crate::{library::Setup, policy::Operator};

/// The folder of the state directory in which the cache of registries stands.
const FOLDER: &str = "registry";

/// Gets components, and checks them before they are compiled.
#[derive(Debug)]
pub(crate) struct Distribution {
    pub(crate) registry: Registry,
    pub(crate) trust: Trust,
    versions: Versions,
}

/// A component that was found.
pub(crate) struct Found {
    pub(crate) bytes: Vec<u8>,
    pub(crate) proofs: Vec<Proof>,
    /// What to call it in messages.
    pub(crate) shown: String,
}

/// Why a plugin of a runbook cannot be used.
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) help: &'static str,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self {
            code: error.code(),
            message: error.to_string(),
            help: match error {
                Error::NotPinned { .. } => "`runwright plugin lock RUNBOOK` writes the digest under `sha256`",
                _ => "`runwright explain` tells more about the code",
            },
        }
    }
}

impl Distribution {
    pub(crate) fn new(state_dir: &Path, setup: &Setup, operator: &Operator, component_bytes: u64) -> Self {
        let folder = state_dir.join(FOLDER);
        let said = &operator.registries;
        let settings = Settings {
            offline: setup.offline || said.offline,
            from: setup.from.iter().chain(&said.from).cloned().collect(),
            plain_http: said.plain_http.clone(),
            logins: setup.logins.clone(),
            component_bytes,
        };
        Self {
            registry: Registry::new(&folder, settings),
            trust: operator.trust.clone(),
            versions: Versions::new(&folder),
        }
    }

    /// The component of a plugin that a runbook binds: the one that is pinned, signed as the operator demands.
    pub(crate) async fn find(&self, binding: &PluginBinding, folder: &Path) -> Result<Found, Refusal> {
        let found = match &binding.source {
            PluginSource::Path(path) => self.read(&folder.join(path), binding.sha256.as_deref())?,
            PluginSource::Registry(reference) => {
                let pin = binding.sha256.as_deref();
                self.fetch(&binding.action, reference, pin).await?
            }
        };
        self.trust.check(&binding.action, &found.bytes, &found.proofs)?;
        Ok(found)
    }

    fn read(&self, path: &Path, pin: Option<&str>) -> Result<Found, Refusal> {
        let shown = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| Refusal {
            code: "RW-C900",
            message: format!("the plugin {shown} cannot be read: {error}"),
            help: if Project::of_component(path).is_some() {
                "`runwright plugin build` makes it, in the project's folder"
            } else {
                "`path` is relative to the runbook"
            },
        })?;
        let digest = Digest::of(&bytes);
        if let Some(wanted) = pin.filter(|wanted| wanted.parse() != Ok(digest)) {
            return Err(Refusal {
                code: "RW-C901",
                message: format!(
                    "the plugin {shown} is not the one that was pinned: its digest is {digest}, not {wanted}"
                ),
                help: "if the new file is what you want, `runwright plugin lock RUNBOOK` writes its digest under `sha256`",
            });
        }
        let proofs = signature::read(&signature::beside(path))?;
        self.registry.keep_proofs(&digest, &proofs)?;
        Ok(Found { bytes, proofs, shown })
    }

    /// What to warn of a component that is its author's own, and older than what it is made of: nobody has built it since.
    pub(crate) fn age(binding: &PluginBinding, folder: &Path) -> Option<String> {
        let PluginSource::Path(path) = &binding.source else {
            return None;
        };
        let project = Project::of_component(&folder.join(path)).filter(|project| project.component().is_file())?;
        let first = newer(&project).into_iter().next()?;
        Some(format!("the plugin {path} is older than {first} of its project"))
    }

    async fn fetch(&self, action: &str, text: &str, pin: Option<&str>) -> Result<Found, Refusal> {
        let reference = text.parse::<runwright_registry::Reference>()?;
        // A digest that cannot be read is told by the compiler.
        let pin = pin.and_then(|pin| pin.parse().ok());
        if pin.is_none() && reference.manifest().is_none() {
            let reference = text.to_owned();
            return Err(Error::NotPinned { reference }.into());
        }
        let mut pulled = self.registry.pull(&reference, pin).await?;
        // It may have been signed since it was fetched. When nobody can be asked, what is known stays what is told.
        if self.trust.check(action, &pulled.component, &pulled.proofs).is_err()
            && let Ok(proofs) = self.registry.look_again(&reference, &pulled).await
        {
            pulled.proofs = proofs;
        }
        Ok(Found {
            bytes: pulled.component.to_vec(),
            proofs: pulled.proofs,
            shown: text.to_owned(),
        })
    }

    /// Checks the version that a component says it has.
    pub(crate) fn check_version(&self, action: &str, version: &str) -> Result<(), Error> {
        let Ok(version) = version.parse::<Version>() else {
            return Ok(()); // the host takes no manifest with such a version
        };
        let before = self.versions.highest(action)?;
        self.trust.check_version(action, &version, before.as_ref())
    }

    /// Checks a version that is to be pinned against the highest that was pinned or used here. Answers that one when it is higher
    /// and going back is allowed.
    pub(crate) fn check_pin(
        &self,
        action: &str,
        version: &Version,
        allow_downgrade: bool,
    ) -> Result<Option<Version>, Error> {
        match self.versions.highest(action)? {
            Some(before) if *version < before && !allow_downgrade => Err(Error::Downgrade {
                action: action.to_owned(),
                version: version.clone(),
                before,
            }),
            before => Ok(before.filter(|before| version < before)),
        }
    }

    /// Remembers versions that were pinned.
    pub(crate) fn remember(&self, pinned: &[(String, Version)]) -> Result<(), Error> {
        self.versions.note(pinned)
    }

    /// Remembers the versions that an execution uses, where the operator wants no lower ones afterwards.
    pub(crate) fn note(&self, plan: &Plan) -> Result<(), Error> {
        let actions = plan.actions.iter().filter(|(action, _)| self.trust.remembers(action));
        let version = |text: &str| text.parse::<Version>().ok();
        let used: Vec<(String, Version)> = actions
            .filter_map(|(action, spec)| Some((action.clone(), version(&spec.manifest.version)?)))
            .collect();
        self.versions.note(&used)
    }
}
