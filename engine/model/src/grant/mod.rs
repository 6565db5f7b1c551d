//! What a plugin may do: nothing, until it is written down.

mod command;
mod pattern;
mod policy;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use command::CommandGrant;
pub use pattern::matches;
use pattern::{covers, matches_address};
pub use policy::{Policy, Rule};

use crate::capability::{Capability, Error, Request, aws, commands, files, parameters, waits};

/// The grants of one plugin in one runbook. In a runbook's `plugins:` block:
///
/// ```yaml
/// grants:
///   commands: [kubectl get *, {run: systemctl restart web-*, as: [root]}, "ssm:AWS-RunShellScript"]
///   files: {read: [/etc], write: [/srv/app]}
///   http: [GET https://status.example.com/*]
///   parameters: {read: [/app/*], write: [/app/*], reveal: []}
///   approvals: true
///   aws: [ec2:Describe*, "s3:GET /logs/*"]
/// ```
///
/// In commands, addresses and names `*` stands for any text. A granted path covers what is below it. The operator's
/// [`Policy`] may allow less; both are asked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grants {
    /// Commands that may be run.
    pub commands: Vec<CommandGrant>,
    /// Paths.
    pub files: FileGrants,
    /// A method (or `*`), a space, and an address pattern.
    pub http: Vec<String>,
    /// Names and paths of parameters.
    pub parameters: ParameterGrants,
    /// May ask people.
    pub approvals: bool,
    /// May wait. A probe also needs the grant for what it does.
    pub waits: bool,
    /// May keep large values.
    pub blobs: bool,
    /// Runbooks it may start.
    pub executions: Vec<String>,
    /// Operations of services: see [`aws::Request::operations`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aws: Vec<String>,
    /// What the operator allows at most. It is no part of what a runbook asks, nor of a plan.
    #[serde(skip)]
    pub ceiling: Option<Arc<Ceiling>>,
}

/// The rule of an operator's policy that a plugin falls under.
#[derive(Debug, PartialEq, Eq)]
pub struct Ceiling {
    /// Where the policy is written.
    pub origin: String,
    /// What it allows this plugin.
    pub grants: Grants,
}

/// One of the lists of grants of parameters.
type List = fn(&ParameterGrants) -> &Vec<String>;

/// Paths that may be read and written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileGrants {
    /// May be read, kept and listed.
    pub read: Vec<String>,
    /// May be changed, and read.
    pub write: Vec<String>,
}

/// Parameters that may be read, written and revealed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ParameterGrants {
    /// May be read; secure ones as placeholders.
    pub read: Vec<String>,
    /// May be written and deleted.
    pub write: Vec<String>,
    /// Secure ones that may be revealed.
    pub reveal: Vec<String>,
}

impl Grants {
    /// Everything within these capabilities: for the plugins that come with the engine.
    #[must_use]
    pub fn all_of(capabilities: &[Capability]) -> Self {
        let any = |wanted: Capability| {
            if capabilities.contains(&wanted) {
                vec!["*".to_owned()]
            } else {
                Vec::new()
            }
        };
        let root = |wanted: Capability| {
            if capabilities.contains(&wanted) {
                vec!["/".to_owned()]
            } else {
                Vec::new()
            }
        };
        Self {
            commands: any(Capability::Commands).into_iter().map(CommandGrant::from).collect(),
            files: FileGrants {
                read: root(Capability::Files),
                write: root(Capability::Files),
            },
            http: if capabilities.contains(&Capability::Http) {
                vec!["* *".to_owned()]
            } else {
                Vec::new()
            },
            parameters: ParameterGrants {
                read: any(Capability::Parameters),
                write: any(Capability::Parameters),
                reveal: Vec::new(),
            },
            approvals: capabilities.contains(&Capability::Approvals),
            waits: capabilities.contains(&Capability::Waits),
            blobs: capabilities.contains(&Capability::Blobs),
            executions: any(Capability::Executions),
            aws: any(Capability::Aws),
            ceiling: None,
        }
    }

    /// The same, and no more than the rule of this policy allows. A plugin of an action that no rule names may do nothing.
    #[must_use]
    pub fn under(mut self, policy: &Policy, action: &str) -> Self {
        for (origin, grants) in policy.allows(action) {
            let above = self.ceiling.take();
            let grants = Self {
                ceiling: above,
                ..grants
            };
            self.ceiling = Some(Arc::new(Ceiling { origin, grants }));
        }
        self
    }

    /// Whether it is granted here, and everywhere above.
    fn need(
        &self,
        capability: Capability,
        granted: &dyn Fn(&Self) -> bool,
        missing: &dyn Fn() -> String,
    ) -> Result<(), Error> {
        let mut place = String::new();
        let mut asked = Some(self);
        while let Some(grants) = asked {
            if !granted(grants) {
                let missing = missing() + &place;
                return Err(Error::Denied { capability, missing });
            }
            asked = grants.ceiling.as_ref().map(|ceiling| {
                place = format!(" in the operator's policy {}", ceiling.origin);
                &ceiling.grants
            });
        }
        Ok(())
    }

    /// What is granted of one capability, as an operator writes it; empty when nothing is.
    #[must_use]
    pub fn of(&self, capability: Capability) -> Vec<String> {
        let flag = |granted: bool| if granted { vec!["true".to_owned()] } else { Vec::new() };
        let verbs = |lists: &[(&str, &Vec<String>)]| {
            let verb = |(verb, list): &(&str, &Vec<String>)| format!("{verb} {}", list.join(", "));
            lists.iter().filter(|(_, list)| !list.is_empty()).map(verb).collect()
        };
        match capability {
            Capability::Commands => self.commands.iter().map(ToString::to_string).collect(),
            Capability::Files => verbs(&[("read", &self.files.read), ("write", &self.files.write)]),
            Capability::Http => self.http.clone(),
            Capability::Parameters => verbs(&[
                ("read", &self.parameters.read),
                ("write", &self.parameters.write),
                ("reveal", &self.parameters.reveal),
            ]),
            Capability::Approvals => flag(self.approvals),
            Capability::Waits => flag(self.waits),
            Capability::Blobs => flag(self.blobs),
            Capability::Executions => self.executions.clone(),
            Capability::Aws => self.aws.clone(),
        }
    }

    /// Whether the request is granted.
    ///
    /// # Errors
    ///
    /// [`Error::Denied`] with the grant that is missing.
    pub fn check(&self, request: &Request) -> Result<(), Error> {
        match request {
            Request::Commands(request) => self.check_command(&request.command()),
            Request::Files(request) => self.check_file(request),
            Request::Http(request) => self.check_http(&request.method, &request.url),
            Request::Parameters(request) => self.check_parameter(request),
            Request::Approvals(_) => self.need_flag(Capability::Approvals, |grants| grants.approvals),
            Request::Waits(request) => self.check_wait(request),
            Request::Blobs(_) => self.need_flag(Capability::Blobs, |grants| grants.blobs),
            Request::Executions(request) => self.check_execution(request),
            Request::Aws(request) => self.check_aws(request),
        }
    }

    fn need_flag(&self, capability: Capability, flag: fn(&Self) -> bool) -> Result<(), Error> {
        self.need(capability, &flag, &|| format!("{capability}: true"))
    }

    fn check_command(&self, command: &commands::Command) -> Result<(), Error> {
        let granted = |grants: &Self| grants.commands.iter().any(|grant| grant.covers(command));
        self.need(Capability::Commands, &granted, &|| {
            format!("commands: [{}]", CommandGrant::of(command))
        })
    }

    fn check_file(&self, request: &files::Request) -> Result<(), Error> {
        let (path, changes) = request.path();
        if changes {
            self.check_write(path)
        } else {
            self.check_read(path)
        }
    }

    /// Whether this path may be read. Backends ask again for the path behind symbolic links.
    ///
    /// # Errors
    ///
    /// [`Error::Denied`] with the grant that is missing.
    pub fn check_read(&self, path: &str) -> Result<(), Error> {
        let granted = |grants: &Self| {
            let mut roots = grants.files.read.iter().chain(&grants.files.write);
            roots.any(|root| covers(root, path))
        };
        self.need(Capability::Files, &granted, &|| format!("files.read: [{path}]"))
    }

    /// Whether this path may be changed. Backends ask again for the path behind symbolic links.
    ///
    /// # Errors
    ///
    /// [`Error::Denied`] with the grant that is missing.
    pub fn check_write(&self, path: &str) -> Result<(), Error> {
        let granted = |grants: &Self| grants.files.write.iter().any(|root| covers(root, path));
        self.need(Capability::Files, &granted, &|| format!("files.write: [{path}]"))
    }

    /// Whether this method may be used on this address. Backends ask again for each redirect.
    ///
    /// # Errors
    ///
    /// [`Error::Denied`] with the grant that is missing.
    pub fn check_http(&self, method: &str, url: &str) -> Result<(), Error> {
        let covers = |grant: &String| {
            let (allowed, pattern) = grant.split_once(' ').unwrap_or(("*", grant));
            (allowed == "*" || allowed.eq_ignore_ascii_case(method)) && matches_address(pattern, url)
        };
        let granted = |grants: &Self| grants.http.iter().any(covers);
        self.need(Capability::Http, &granted, &|| format!("http: [{method} {url}]"))
    }

    /// Whether every operation that the request could be is granted.
    ///
    /// # Errors
    ///
    /// [`Error::Denied`] with the grant that is missing.
    pub fn check_aws(&self, request: &aws::Request) -> Result<(), Error> {
        request.operations().iter().try_for_each(|operation| {
            let granted = |grants: &Self| matches_any(&grants.aws, operation);
            self.need(Capability::Aws, &granted, &|| format!("aws: [\"{operation}\"]"))
        })
    }

    fn check_parameter(&self, request: &parameters::Request) -> Result<(), Error> {
        use parameters::Request as R;
        let (list, verb, name): (List, &str, &str) = match request {
            R::Get { name } => (|grants| &grants.read, "read", bare_name(name)),
            R::GetByPath { path: name, .. } | R::History { name } => (|grants| &grants.read, "read", name),
            R::Put { name, .. } | R::Delete { name } | R::Label { name, .. } => (|grants| &grants.write, "write", name),
            R::Reveal { placeholder } => {
                let name = crate::secret::parse_placeholder(placeholder).map_or("", |(name, _)| name);
                (|grants| &grants.reveal, "reveal", name)
            }
        };
        let granted = |grants: &Self| matches_any(list(&grants.parameters), name);
        self.need(Capability::Parameters, &granted, &|| {
            format!("parameters.{verb}: [{name}]")
        })
    }

    /// Whether each parameter that was found may be read: a grant of `/app` alone covers the path, but not what stands
    /// under it. Backends ask this of what they list.
    ///
    /// # Errors
    ///
    /// [`Error::Denied`] with the grant that is missing.
    pub fn check_found(&self, found: &[parameters::Parameter]) -> Result<(), Error> {
        found.iter().try_for_each(|parameter| {
            let name = parameter.name.clone();
            self.check_parameter(&parameters::Request::Get { name })
        })
    }

    fn check_wait(&self, request: &waits::Request) -> Result<(), Error> {
        self.need_flag(Capability::Waits, |grants| grants.waits)?;
        let waits::Request::Probe { probe, .. } = request else {
            return Ok(());
        };
        match probe {
            waits::Probe::Tcp { host, port } => self.check_http("GET", &format!("tcp://{host}:{port}")),
            waits::Probe::Http { url, .. } => self.check_http("GET", url),
            waits::Probe::File { path } => self.check_read(path),
            waits::Probe::Command { arguments } => self.check_command(&commands::Command {
                arguments: arguments.clone(),
                ..commands::Command::default()
            }),
        }
    }

    fn check_execution(&self, request: &crate::capability::executions::Request) -> Result<(), Error> {
        use crate::capability::executions::Request as R;
        match request {
            R::Start { runbook, .. } => {
                let granted = |grants: &Self| matches_any(&grants.executions, runbook);
                self.need(Capability::Executions, &granted, &|| format!("executions: [{runbook}]"))
            }
            // Only a child that this plugin started can be waited for; the executor sees to that.
            R::Wait { .. } => Ok(()),
        }
    }
}

/// The name without `:version` or `:label`.
fn bare_name(selector: &str) -> &str {
    selector.split(':').next().unwrap_or(selector)
}

fn matches_any(patterns: &[String], text: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_granted_by_default() {
        let requests = [
            Request::Commands(commands::Request::Run {
                on: None,
                command: commands::Command {
                    arguments: vec!["id".into()],
                    ..Default::default()
                },
            }),
            Request::Files(files::Request::Stat {
                on: None,
                path: "/".into(),
            }),
            Request::Http(crate::capability::http::Request {
                method: "GET".into(),
                url: "http://x/".into(),
                ..Default::default()
            }),
            Request::Parameters(parameters::Request::Get { name: "/x".into() }),
            Request::Waits(waits::Request::Sleep { duration_ms: 1 }),
            Request::Aws(aws::Request {
                service: "ec2".into(),
                method: "GET".into(),
                path: "/?Action=DescribeRegions".into(),
                ..Default::default()
            }),
        ];
        for request in &requests {
            assert!(
                matches!(Grants::default().check(request), Err(Error::Denied { .. })),
                "{request:?}"
            );
            assert_eq!(Grants::all_of(&Capability::ALL).check(request), Ok(()), "{request:?}");
        }
    }

    #[test]
    fn grants_are_told_by_capability() {
        let all = Grants::all_of(&Capability::ALL);
        for capability in Capability::ALL {
            assert!(!all.of(capability).is_empty(), "{capability}");
            assert!(Grants::default().of(capability).is_empty(), "{capability}");
        }
        assert_eq!(all.of(Capability::Parameters), ["read *", "write *"]);
    }

    #[test]
    fn revealing_is_not_reading() {
        let grants = Grants::all_of(&Capability::ALL);
        let reveal = Request::Parameters(parameters::Request::Reveal {
            placeholder: "((secret:/x:1))".into(),
        });
        assert_eq!(
            grants.check(&reveal),
            Err(Error::Denied {
                capability: Capability::Parameters,
                missing: "parameters.reveal: [/x]".into()
            })
        );
    }
}
