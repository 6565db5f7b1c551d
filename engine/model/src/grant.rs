//! What the operator allows a plugin: nothing, until it is written down.

use serde::{Deserialize, Serialize};

use crate::capability::{Capability, Error, Request, aws, files, parameters, waits};

/// The grants of one plugin in one runbook. In a runbook's `plugins:` block:
///
/// ```yaml
/// grants:
///   commands: [systemctl, /usr/local/bin/*, "ssm:AWS-RunShellScript"]
///   files: {read: [/etc], write: [/srv/app]}
///   http: [GET https://status.example.com/*]
///   parameters: {read: [/app/*], write: [/app/*], reveal: []}
///   approvals: true
///   aws: [ec2:Describe*, "s3:GET /logs/*"]
/// ```
///
/// In commands, addresses and names `*` stands for any text. A granted path covers what is below it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grants {
    /// Programs that may be run.
    pub commands: Vec<String>,
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
}

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
            commands: any(Capability::Commands),
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
        }
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
            Capability::Commands => self.commands.clone(),
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
            Request::Commands(request) => self.check_command(&request.what()),
            Request::Files(request) => self.check_file(request),
            Request::Http(request) => self.check_http(&request.method, &request.url),
            Request::Parameters(request) => self.check_parameter(request),
            Request::Approvals(_) => need(self.approvals, Capability::Approvals, || "approvals: true".into()),
            Request::Waits(request) => self.check_wait(request),
            Request::Blobs(_) => need(self.blobs, Capability::Blobs, || "blobs: true".into()),
            Request::Executions(request) => self.check_execution(request),
            Request::Aws(request) => self.check_aws(request),
        }
    }

    fn check_command(&self, program: &str) -> Result<(), Error> {
        need(matches_any(&self.commands, program), Capability::Commands, || {
            format!("commands: [{program}]")
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
        let granted = self
            .files
            .read
            .iter()
            .chain(&self.files.write)
            .any(|root| covers(root, path));
        need(granted, Capability::Files, || format!("files.read: [{path}]"))
    }

    /// Whether this path may be changed. Backends ask again for the path behind symbolic links.
    ///
    /// # Errors
    ///
    /// [`Error::Denied`] with the grant that is missing.
    pub fn check_write(&self, path: &str) -> Result<(), Error> {
        let granted = self.files.write.iter().any(|root| covers(root, path));
        need(granted, Capability::Files, || format!("files.write: [{path}]"))
    }

    /// Whether this method may be used on this address. Backends ask again for each redirect.
    ///
    /// # Errors
    ///
    /// [`Error::Denied`] with the grant that is missing.
    pub fn check_http(&self, method: &str, url: &str) -> Result<(), Error> {
        let granted = self.http.iter().any(|grant| {
            let (allowed, pattern) = grant.split_once(' ').unwrap_or(("*", grant));
            (allowed == "*" || allowed.eq_ignore_ascii_case(method)) && matches_address(pattern, url)
        });
        need(granted, Capability::Http, || format!("http: [{method} {url}]"))
    }

    /// Whether every operation that the request could be is granted.
    ///
    /// # Errors
    ///
    /// [`Error::Denied`] with the grant that is missing.
    pub fn check_aws(&self, request: &aws::Request) -> Result<(), Error> {
        request.operations().iter().try_for_each(|operation| {
            need(matches_any(&self.aws, operation), Capability::Aws, || {
                format!("aws: [\"{operation}\"]")
            })
        })
    }

    fn check_parameter(&self, request: &parameters::Request) -> Result<(), Error> {
        use parameters::Request as R;
        let (list, verb, name) = match request {
            R::Get { name } => (&self.parameters.read, "read", bare_name(name)),
            R::GetByPath { path, .. } => (&self.parameters.read, "read", path.as_str()),
            R::History { name } => (&self.parameters.read, "read", name.as_str()),
            R::Put { name, .. } | R::Delete { name } | R::Label { name, .. } => {
                (&self.parameters.write, "write", name.as_str())
            }
            R::Reveal { placeholder } => {
                let name = crate::secret::parse_placeholder(placeholder).map_or("", |(name, _)| name);
                (&self.parameters.reveal, "reveal", name)
            }
        };
        need(matches_any(list, name), Capability::Parameters, || {
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
        need(self.waits, Capability::Waits, || "waits: true".into())?;
        let waits::Request::Probe { probe, .. } = request else {
            return Ok(());
        };
        match probe {
            waits::Probe::Tcp { host, port } => self.check_http("GET", &format!("tcp://{host}:{port}")),
            waits::Probe::Http { url, .. } => self.check_http("GET", url),
            waits::Probe::File { path } => self.check_read(path),
            waits::Probe::Command { arguments } => self.check_command(arguments.first().map_or("", String::as_str)),
        }
    }

    fn check_execution(&self, request: &crate::capability::executions::Request) -> Result<(), Error> {
        use crate::capability::executions::Request as R;
        match request {
            R::Start { runbook, .. } => need(matches_any(&self.executions, runbook), Capability::Executions, || {
                format!("executions: [{runbook}]")
            }),
            // Only a child that this plugin started can be waited for; the executor sees to that.
            R::Wait { .. } => Ok(()),
        }
    }
}

fn need(granted: bool, capability: Capability, missing: impl FnOnce() -> String) -> Result<(), Error> {
    if granted {
        Ok(())
    } else {
        Err(Error::Denied {
            capability,
            missing: missing(),
        })
    }
}

/// The name without `:version` or `:label`.
fn bare_name(selector: &str) -> &str {
    selector.split(':').next().unwrap_or(selector)
}

fn matches_any(patterns: &[String], text: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, text))
}

/// Whether `text` fits a pattern in which `*` stands for any run of characters.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(first) else {
        return false;
    };
    // The shortest match of each part is enough: what it leaves is as long as can be.
    match rest.split_once('*') {
        None => text.ends_with(rest),
        Some((part, _)) => text
            .find(part)
            .is_some_and(|at| matches(&rest[part.len()..], &text[at + part.len()..])),
    }
}

/// Whether an address fits a pattern. A `*` for a host stays in the host: `https://*.example.com/*` is not
/// `https://evil.example/x.example.com/`.
fn matches_address(pattern: &str, url: &str) -> bool {
    let Some((scheme, pattern)) = pattern.split_once("://") else {
        return matches(pattern, url);
    };
    let Some((url_scheme, url)) = url.split_once("://") else {
        return false;
    };
    let ((host, path), (url_host, url_path)) = (split_host(pattern), split_host(url));
    // A pattern without a path that ends in `*` means every path.
    let path = if path.is_empty() && host.ends_with('*') {
        "*"
    } else {
        path
    };
    matches(scheme, url_scheme) && matches(host, url_host) && matches(path, url_path)
}

fn split_host(address: &str) -> (&str, &str) {
    address.split_at(address.find(['/', '?', '#', '\\']).unwrap_or(address.len()))
}

/// Whether a granted folder or file covers a path. Both are absolute; a path with `.` or `..` parts is
/// covered by nothing.
fn covers(root: &str, path: &str) -> bool {
    let clean = |p: &str| p.starts_with('/') && !p.split('/').any(|part| part == ".." || part == ".");
    let root = root.trim_end_matches('/');
    clean(path)
        && (root.is_empty()
            || path
                .strip_prefix(root)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::commands;

    #[test]
    fn patterns() {
        assert!(matches("a*c*e", "abcde"));
        assert!(matches("*", ""));
        assert!(matches("/app/*", "/app/x/y"));
        assert!(!matches("/app/*", "/ap"));
        assert!(!matches("a", "ab"));
        assert!(!matches("a*b", "a"));
        assert!(!matches("ab*b", "ab"));
        assert!(matches("*.example.com", "x.example.com"));
    }

    #[test]
    fn paths_do_not_leave_their_folder() {
        assert!(covers("/etc", "/etc/passwd"));
        assert!(covers("/", "/etc"));
        assert!(covers("/etc/", "/etc"));
        assert!(!covers("/etc", "/etcetera"));
        assert!(!covers("/etc", "/etc/../root"));
        assert!(!covers("/", "relative"));
    }

    #[test]
    fn a_star_for_a_host_stays_in_the_host() {
        let good = "https://*.example.com/*";
        assert!(matches_address(good, "https://x.example.com/a/b?c"));
        for bad in [
            "https://evil.org/x.example.com/",
            "https://evil.org?x.example.com/",
            "https://evil.org\\.example.com/",
        ] {
            assert!(!matches_address(good, bad), "{bad}");
        }
        assert!(matches_address("*", "https://x/y"));
        assert!(matches_address("tcp://db:5432", "tcp://db:5432"));
        assert!(matches_address("http://x*", "http://x:80/y"));
        assert!(!matches_address("http://x/*", "https://x/"));
        assert!(!matches_address("http://x/*", "x"));
    }

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
