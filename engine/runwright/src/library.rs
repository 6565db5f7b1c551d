//! Runbooks and plugins, found and compiled. Needs no store, so it works beside a running engine.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::future::join_all;
use runwright_compiler::{Catalog, Compiled, Diagnostic, PluginBinding, Severity, Source};
use runwright_host::{Compiler, Host, Limits, Options};
use runwright_model::{
    action::{ActionSpec, Manifest},
    capability::Capability,
    grant::{Grants, Policy},
};

use crate::{
    Error,
    distribution::Distribution,
    find,
    outside::Outsiders,
    place::Place,
    policy,
    shelf::Shelf,
    view::{PluginView, SignatureView},
};

/// Where a plugin of the engine comes from.
const BUILT_IN: &str = "built in";

/// Finds, compiles and describes. Cheap to clone.
#[derive(Clone)]
pub struct Library {
    pub(crate) host: Arc<Host>,
    pub(crate) shelf: Shelf,
    runbooks: Arc<Vec<PathBuf>>,
    pub(crate) state_dir: Arc<PathBuf>,
    outsiders: Arc<Outsiders>,
    pub(crate) distribution: Arc<Distribution>,
}

/// How a library is opened, where the defaults do not fit.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// The program that compiles components which do not come with the engine, in a process of its own. Without one they
    /// are compiled in this process, where only their size is limited.
    pub compiler: Option<Compiler>,
    /// What plugins may use. What `runwright.toml` says of a limit counts instead.
    pub limits: Limits,
    /// Docker's `config.json`, for the logins of registries.
    pub logins: Option<PathBuf>,
    /// OCI image layouts that are looked into before a registry is asked.
    pub from: Vec<PathBuf>,
    /// Whether no registry is asked.
    pub offline: bool,
}

/// A runbook that was found.
#[derive(Debug, Clone)]
pub struct Runbook {
    /// Its text.
    pub source: Source,
    /// Its file, when it comes from one.
    pub path: Option<PathBuf>,
    /// What became of it.
    pub compiled: Compiled,
}

impl Library {
    /// Opens the library. `state_dir` holds the cache of compiled plugins (made when missing; without it,
    /// plugins are compiled each time); `runbooks` are searched for runbooks given by name.
    ///
    /// # Errors
    ///
    /// When the Wasm runtime cannot be set up on this machine, or a policy file with limits cannot be read.
    pub fn open(state_dir: PathBuf, runbooks: Vec<PathBuf>) -> Result<Self, Error> {
        Self::open_with(state_dir, runbooks, &Setup::default())
    }

    /// The same with other than the defaults.
    ///
    /// # Errors
    ///
    /// Those of [`Library::open`], and when a policy cannot be read.
    pub fn open_with(state_dir: PathBuf, runbooks: Vec<PathBuf>, setup: &Setup) -> Result<Self, Error> {
        let operator = policy::load(&state_dir, Policy::default())?;
        let limits = operator.limits(&setup.limits);
        let outsiders = Outsiders::new(&state_dir, Vec::new());
        let shelf = Shelf::with_copies(outsiders.copies().to_owned());
        let distribution = Distribution::new(&state_dir, setup, &operator, limits.component_bytes);
        let options = Options {
            cache_dir: Some(state_dir.join("cache")),
            limits,
            compiler: setup.compiler.clone(),
            ..Options::new(Arc::new(shelf.clone()))
        };
        Ok(Self {
            host: Arc::new(Host::new(options)?),
            shelf,
            runbooks: Arc::new(runbooks),
            state_dir: Arc::new(state_dir),
            outsiders: Arc::new(outsiders),
            distribution: Arc::new(distribution),
        })
    }

    /// Looks in these folders first for components that are too large for the program.
    #[must_use]
    pub fn with_plugins(self, folders: Vec<PathBuf>) -> Self {
        let outsiders = Arc::new(Outsiders::new(&self.state_dir, folders));
        Self { outsiders, ..self }
    }

    /// Finds a runbook and compiles it. `what` is a path (it has a slash or ends in `.yaml`, `.yml` or `.json`),
    /// `-` for standard input, or a name, which is looked for as `NAME.yaml` and so on in the runbook folders.
    ///
    /// # Errors
    ///
    /// When it is not found or cannot be read. A document with mistakes is no error: see [`Compiled`].
    pub async fn runbook(&self, what: &str) -> Result<Runbook, Error> {
        self.found(find::source(what, &self.runbooks)?).await
    }

    /// Where this process looks for runbooks.
    pub(crate) fn place(&self) -> Place {
        Place::here(&self.runbooks)
    }

    /// The runbook that an execution which began at this place names.
    pub(crate) async fn runbook_at(&self, name: &str, place: &Place) -> Result<Runbook, Error> {
        if name == find::STDIN {
            let (name, looked) = (
                name.to_owned(),
                vec!["no standard input: an engine has none".to_owned()],
            );
            return Err(Error::NoRunbook { name, looked });
        }
        // Journals of earlier versions have no place.
        if *place == Place::default() {
            return self.runbook(name).await;
        }
        let folders: Vec<PathBuf> = place.runbooks.iter().map(PathBuf::from).collect();
        let name = if find::is_path(name) {
            Path::new(&place.folder).join(name).display().to_string()
        } else {
            name.to_owned()
        };
        self.found(find::source(&name, &folders)?).await
    }

    async fn found(&self, (source, path): (Source, Option<PathBuf>)) -> Result<Runbook, Error> {
        let folder = path
            .as_ref()
            .and_then(|path| path.parent())
            .map_or_else(PathBuf::new, Path::to_owned);
        let compiled = self.compile(&source, &folder).await;
        Ok(Runbook { source, path, compiled })
    }

    /// Compiles a document whose plugins are found relative to `folder`.
    pub async fn compile(&self, source: &Source, folder: &Path) -> Compiled {
        let parsed = runwright_compiler::parse(source);
        let mut catalog = Catalog {
            names: runwright_bundle::plugins()
                .iter()
                .map(|bundled| bundled.action.to_owned())
                .chain(self.outsiders.actions().cloned())
                .collect(),
            ..Catalog::default()
        };
        let mut problems = Vec::new();
        for bound in join_all(parsed.plugins().iter().map(|binding| self.bind(binding, folder))).await {
            match bound {
                Ok((action, spec)) => {
                    catalog.actions.insert(action, spec);
                }
                Err(problem) => problems.push(problem),
            }
        }
        let bound: Vec<&str> = parsed.plugins().iter().map(|binding| binding.action.as_str()).collect();
        let used = parsed.actions();
        let built_in = used.iter().filter(|action| !bound.contains(&action.as_str()));
        for spec in join_all(built_in.filter_map(|action| self.built_in(action))).await {
            match spec {
                Ok(spec) => {
                    catalog.actions.insert(spec.manifest.action.clone(), spec);
                }
                Err(error) => tracing::error!(%error, "a built-in plugin cannot be loaded"),
            }
        }
        for spec in used.iter().filter_map(|action| self.outsiders.spec(action)) {
            catalog.actions.entry(spec.manifest.action.clone()).or_insert(spec);
        }
        let mut compiled = parsed.compile(&catalog);
        compiled
            .diagnostics
            .extend(parsed.plugins().iter().filter_map(|binding| old(binding, folder)));
        if let Some(plan) = &compiled.plan {
            crate::attachments::gather(plan, folder, &self.shelf);
        }
        if !problems.is_empty() {
            // An action whose plugin cannot be loaded is unknown only because of that.
            let failed: Vec<String> = problems.iter().map(|(action, _)| action.clone()).collect();
            compiled
                .diagnostics
                .retain(|found| !failed.iter().any(|action| is_unknown(found, action)));
            compiled
                .diagnostics
                .extend(problems.into_iter().map(|(_, found)| found));
            compiled.diagnostics.sort_by_key(|found| found.span.bytes.start);
            compiled.plan = None;
        }
        compiled
    }

    fn built_in(&self, action: &str) -> Option<impl Future<Output = Result<ActionSpec, Error>>> {
        let bundled = runwright_bundle::find(action)?;
        Some(async move {
            let component = self.shelf.add(bundled.bytes);
            let manifest = self.host.describe(&component).await?;
            Ok(ActionSpec {
                grants: grants_of(&manifest),
                manifest,
                component,
            })
        })
    }

    /// The action of a plugin that a runbook binds, when it may be used; what is wrong with it otherwise.
    pub(crate) async fn bind(
        &self,
        binding: &PluginBinding,
        folder: &Path,
    ) -> Result<(String, ActionSpec), (String, Diagnostic)> {
        let problem = |code: &'static str, message: String, help: &str| {
            let found = found(binding, code, Severity::Error, message, help);
            (binding.action.clone(), found)
        };
        let component = self.distribution.find(binding, folder).await;
        let component = component.map_err(|refusal| problem(refusal.code, refusal.message, refusal.help))?;
        let shown = component.shown;
        let component = self.shelf.add(&component.bytes);
        let manifest = self.host.describe(&component).await.map_err(|error| {
            problem(
                error.code(),
                format!("the plugin {shown} cannot be used: {error}"),
                "`runwright explain` tells more about the code",
            )
        })?;
        if manifest.action != binding.action {
            let message = format!(
                "the plugin {shown} provides the action {}, not {}",
                manifest.action, binding.action
            );
            return Err(problem("RW-C902", message, "bind it under the name it provides"));
        }
        self.distribution
            .check_version(&binding.action, &manifest.version)
            .map_err(|error| {
                problem(
                    error.code(),
                    error.to_string(),
                    "`runwright explain` tells more about the code",
                )
            })?;
        Ok((
            binding.action.clone(),
            ActionSpec {
                manifest,
                component,
                grants: binding.grants.clone(),
            },
        ))
    }

    /// Every plugin that comes with the engine.
    ///
    /// # Errors
    ///
    /// When one cannot be loaded.
    pub async fn plugins(&self) -> Result<Vec<PluginView>, Error> {
        let views = runwright_bundle::plugins()
            .iter()
            .map(|bundled| self.view(bundled.bytes, BUILT_IN.to_owned()));
        join_all(views).await.into_iter().collect()
    }

    /// One plugin: an action's name, or the path of a component.
    ///
    /// # Errors
    ///
    /// When there is none, or it is no plugin.
    pub async fn plugin(&self, what: &str) -> Result<PluginView, Error> {
        if let Some(bundled) = runwright_bundle::find(what) {
            return self.view(bundled.bytes, BUILT_IN.to_owned()).await;
        }
        match std::fs::read(what) {
            Ok(bytes) => {
                let (by, signatures) = self.signers(Path::new(what), &bytes)?;
                let view = self.view(&bytes, what.to_owned()).await?;
                Ok(PluginView {
                    signature: Some(SignatureView { signatures, by }),
                    ..view
                })
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(Error::NoPlugin { name: what.to_owned() })
            }
            Err(error) => Err(Error::Unreadable {
                path: what.to_owned(),
                why: error.to_string(),
            }),
        }
    }

    /// The JSON Schema (draft 2020-12) of the language, with the inputs of every action there is: those that come with the
    /// engine, those in Python, and those of these components.
    ///
    /// # Errors
    ///
    /// Those of [`Library::plugin`].
    pub async fn schema(&self, components: &[String]) -> Result<serde_json::Value, Error> {
        let outside = self.outsiders.manifests();
        let mut actions: BTreeMap<String, Manifest> = outside.map(|it| (it.action.clone(), it.clone())).collect();
        let is_action = |plugin: &PluginView| !runwright_compiler::is_command_plugin(&plugin.manifest.action);
        for plugin in self.plugins().await?.into_iter().filter(is_action) {
            actions.insert(plugin.manifest.action.clone(), plugin.manifest);
        }
        for component in components {
            let manifest = self.plugin(component).await?.manifest;
            actions.insert(manifest.action.clone(), manifest);
        }
        Ok(runwright_compiler::schema(&actions))
    }

    pub(crate) async fn view(&self, bytes: &[u8], origin: String) -> Result<PluginView, Error> {
        let component = self.shelf.add(bytes);
        let manifest = self.host.describe(&component).await?;
        let facts = runwright_author::facts(bytes);
        // What comes with the engine is stripped of everything that is not needed to run.
        let built_in = (origin == BUILT_IN).then_some("rust");
        Ok(PluginView {
            language: facts.language.or(built_in),
            imports: facts.imports,
            manifest,
            component: component.to_string(),
            size: bytes.len() as u64,
            origin,
            signature: None,
        })
    }

    /// The page of an error code, in Markdown.
    #[must_use]
    pub fn explain(code: &str) -> Option<&'static str> {
        Self::codes()
            .into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(code))
            .map(|(_, page)| page)
    }

    /// All error codes, sorted, each with its page.
    #[must_use]
    pub fn codes() -> Vec<(&'static str, &'static str)> {
        let tables = [
            runwright_compiler::CODES,
            crate::codes::CODES,
            runwright_author::CODES,
            runwright_executor::codes::CODES,
            runwright_host::CODES,
            runwright_registry::CODES,
            runwright_store::CODES,
        ];
        let mut codes: Vec<_> = tables.into_iter().flatten().copied().collect();
        codes.sort_unstable_by_key(|(code, _)| *code);
        codes
    }
}

/// What was found about a plugin that a runbook binds.
fn found(binding: &PluginBinding, code: &'static str, severity: Severity, message: String, help: &str) -> Diagnostic {
    Diagnostic {
        code,
        severity,
        message,
        span: binding.span.clone(),
        label: None,
        related: Vec::new(),
        help: Some(help.to_owned()),
        fix: None,
    }
}

fn old(binding: &PluginBinding, folder: &Path) -> Option<Diagnostic> {
    let message = Distribution::age(binding, folder)?;
    let help = "`runwright plugin build` makes it anew, in the project's folder";
    Some(found(binding, "RW-C908", Severity::Warning, message, help))
}

fn is_unknown(found: &Diagnostic, action: &str) -> bool {
    found.code == runwright_compiler::UNKNOWN_ACTION && found.message.contains(&format!("`{action}`"))
}

/// What AWS runs in a sandbox, and here runs outside of it: a runbook that was written for AWS must not do that unasked.
const NOT_UNASKED: &str = "rw:powerShell";

/// A plugin that comes with the engine may do what its manifest wants, unless the runbook says what.
pub(crate) fn grants_of(manifest: &Manifest) -> Grants {
    if manifest.action == NOT_UNASKED {
        return Grants::default();
    }
    let capabilities: Vec<Capability> = manifest.capabilities.iter().map(|want| want.capability).collect();
    Grants::all_of(&capabilities)
}
