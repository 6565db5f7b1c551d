//! `sourceInfo`: where something is, in the words of the two programs that fetch.

use runwright_plugin_command::{Inputs, text};
use runwright_sdk::{Failure, Host};
use serde_json::{Map, Value};

/// What is fetched, and by which program.
pub(crate) enum Source {
    /// A repository: the variables of the script.
    Git(Vec<(&'static str, String)>),
    /// An address.
    Http {
        /// What curl reads.
        config: String,
        /// The variables of the script.
        variables: Vec<(&'static str, String)>,
    },
}

impl Source {
    pub(crate) fn read(host: &impl Host, inputs: &Inputs) -> Result<Self, Failure> {
        let info = Info(inputs.map("sourceInfo")?);
        match inputs.required("sourceType")?.as_str() {
            "Git" => git(host, &info),
            "GitHub" => github(host, &info),
            "HTTP" => http(host, &info),
            "S3" => s3(&info),
            "SSMDocument" => Err(Failure::invalid(
                "documents are not downloaded: the engine finds them itself. Run them with aws:runDocument, \
                 `documentType: SSMDocument`",
            )),
            other => Err(Failure::invalid(format!(
                "input `sourceType` is `{other}`: it must be HTTP, Git, GitHub or S3"
            ))),
        }
    }
}

/// The map.
struct Info(Map<String, Value>);

impl Info {
    fn get(&self, key: &str) -> Option<String> {
        self.0.get(key).map(text).filter(|text| !text.is_empty())
    }

    fn required(&self, key: &str) -> Result<String, Failure> {
        self.get(key)
            .ok_or_else(|| Failure::invalid(format!("input `sourceInfo` needs `{key}`")))
    }

    fn is(&self, key: &str) -> bool {
        self.get(key).is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    /// A value that may be `{{ssm-secure:name}}`: then the placeholder of that parameter.
    fn secret(&self, host: &impl Host, key: &str) -> Result<String, Failure> {
        let given = self.get(key).unwrap_or_default();
        let name = given
            .trim()
            .strip_prefix("{{")
            .and_then(|inside| inside.strip_suffix("}}"))
            .and_then(|inside| inside.trim().strip_prefix("ssm-secure:"));
        match name {
            Some(name) => Ok(host.parameter(name.trim())?.value),
            None => Ok(given),
        }
    }
}

fn git(host: &impl Host, info: &Info) -> Result<Source, Failure> {
    let repository = info.required("repository")?;
    // The word before two colons names a program that git would run.
    if repository.starts_with('-')
        || repository
            .split_once("::")
            .is_some_and(|(helper, _)| !helper.contains('/'))
    {
        return Err(Failure::invalid(format!(
            "`{repository}` is no repository that can be cloned"
        )));
    }
    let mut variables = checkout(info)?;
    variables.extend([
        ("REPOSITORY", repository),
        ("SUBPATH", String::new()),
        ("GIT_USER", info.secret(host, "username")?),
        ("GIT_SECRET", info.secret(host, "password")?),
        ("SSH_KEY", info.secret(host, "privateSSHKey")?),
        ("SKIP_HOST_KEY", info.is("skipHostKeyChecking").to_string()),
    ]);
    Ok(Source::Git(variables))
}

fn github(host: &impl Host, info: &Info) -> Result<Source, Failure> {
    let (owner, repository) = (info.required("owner")?, info.required("repository")?);
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !owner.chars().chain(repository.chars()).all(legal) {
        return Err(Failure::invalid(format!(
            "`{owner}/{repository}` is no repository of GitHub"
        )));
    }
    let token = info.secret(host, "tokenInfo")?;
    let user = if token.is_empty() {
        String::new()
    } else {
        "x-access-token".to_owned()
    };
    let mut variables = checkout(info)?;
    variables.extend([
        ("REPOSITORY", format!("https://github.com/{owner}/{repository}.git")),
        (
            "SUBPATH",
            info.get("path").unwrap_or_default().trim_matches('/').to_owned(),
        ),
        ("GIT_USER", user),
        ("GIT_SECRET", token),
    ]);
    Ok(Source::Git(variables))
}

/// `getOptions`: a branch or a commit; the repository's own default when absent.
fn checkout(info: &Info) -> Result<Vec<(&'static str, String)>, Failure> {
    let options = info.get("getOptions").unwrap_or_default();
    let options = options.trim();
    let (branch, commit) = match options.split_once(':') {
        None if options.is_empty() => ("", ""),
        Some(("branch", branch)) => (branch.trim().trim_start_matches("refs/heads/"), ""),
        Some(("commitID", commit)) => ("", commit.trim()),
        Some(_) | None => {
            return Err(Failure::invalid(format!(
                "`getOptions` is `{options}`: it must be `branch:NAME` or `commitID:SHA`"
            )));
        }
    };
    if branch.starts_with('-') || commit.starts_with('-') {
        return Err(Failure::invalid(format!(
            "`getOptions` is `{options}`: that is no branch and no commit"
        )));
    }
    Ok(vec![("BRANCH", branch.to_owned()), ("COMMIT", commit.to_owned())])
}

fn http(host: &impl Host, info: &Info) -> Result<Source, Failure> {
    let url = info.required("url")?;
    let is_secure = url.starts_with("https://");
    if !is_secure && !url.starts_with("http://") {
        return Err(Failure::invalid(format!(
            "`{url}` is no address: it must begin with https://"
        )));
    }
    if !is_secure && !info.is("allowInsecureDownload") {
        return Err(Failure::invalid(format!(
            "`{url}` is not encrypted: use https, or set `allowInsecureDownload` to true"
        )));
    }
    let mut config = format!("url = {}\n", quoted(&url)?);
    if is_secure {
        config.push_str("proto-redir = \"=https\"\n");
    }
    match info.get("authMethod").as_deref() {
        None | Some("None") => {}
        Some(method @ ("Basic" | "Digest")) => {
            let (user, password) = (info.secret(host, "username")?, info.secret(host, "password")?);
            config.push_str(&format!(
                "user = {}\n{}\n",
                quoted(&format!("{user}:{password}"))?,
                method.to_lowercase()
            ));
        }
        Some(other) => {
            return Err(Failure::invalid(format!(
                "`authMethod` is `{other}`: it must be None, Basic or Digest"
            )));
        }
    }
    Ok(fetched(&url, config))
}

/// Objects that everybody may read. Others need credentials, which stay with the engine.
fn s3(info: &Info) -> Result<Source, Failure> {
    let url = info.required("path")?;
    if !url.starts_with("https://") {
        return Err(Failure::invalid(format!(
            "`{url}` is no object: it must be an address that begins with https://"
        )));
    }
    if url.ends_with('/') {
        return Err(Failure::invalid(format!(
            "`{url}` is a folder, which only the service can list: name the objects, each in a step of its own"
        )));
    }
    let config = format!("url = {}\nproto-redir = \"=https\"\n", quoted(&url)?);
    Ok(fetched(&url, config))
}

fn fetched(url: &str, config: String) -> Source {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = path.splitn(4, '/').nth(3).and_then(|path| path.rsplit('/').next());
    let name = name
        .filter(|name| !["", ".", ".."].contains(name))
        .unwrap_or("download");
    Source::Http {
        config,
        variables: vec![("NAME", name.to_owned())],
    }
}

/// A value of curl's configuration.
fn quoted(text: &str) -> Result<String, Failure> {
    if text.chars().any(char::is_control) {
        return Err(Failure::invalid(format!(
            "`{}` is no address and no name: it has control characters",
            text.escape_debug()
        )));
    }
    Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}
