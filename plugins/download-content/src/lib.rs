//! `aws:downloadContent`, a plugin of Command documents: fetches files by HTTP or from a Git repository.
//!
//! The programs `curl` and `git` of the machine do the work. Secrets reach them by standard input and environment.

mod source;

use runwright_plugin_command::{Ended, FOLDER, Inputs, Outputs, conclude, downloads, outputs, within};
use runwright_sdk::{Action, Command, Context, Failure, Host, Manifest, schema};
use source::Source;

/// The action.
pub struct DownloadContent;

const GIT: &str = include_str!("../scripts/git.sh");
const HTTP: &str = include_str!("../scripts/http.sh");

impl Action for DownloadContent {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn manifest() -> Manifest {
        let inputs = Inputs::schema()
            .required("sourceType", schema::any("`HTTP`, `Git`, `GitHub` or `S3`."))
            .required(
                "sourceInfo",
                schema::any("Where it is: a map, or the JSON text of one."),
            )
            .optional(
                "destinationPath",
                schema::any(
                    "Where it goes: an absolute path, or one below the document's folder, which it is when absent.",
                ),
            );
        Manifest::new(
            "aws:downloadContent",
            env!("CARGO_PKG_VERSION"),
            "Fetches files by HTTP or from a Git repository. For Command documents.",
        )
        .inputs(inputs)
        .outputs(outputs())
        .wants("commands", "Runs git and curl.")
        .wants("parameters", "Reads what `{{ssm:…}}` and `{{ssm-secure:…}}` name.")
    }

    fn run(host: &impl Host, context: &Context, inputs: Inputs) -> Result<Outputs, Failure> {
        let inputs = inputs.filled(host)?;
        let ended = download(host, context, &inputs);
        conclude(host, &inputs, ended)
    }
}

fn download(host: &impl Host, context: &Context, inputs: &Inputs) -> Result<Ended, Failure> {
    let source = Source::read(host, inputs)?;
    let destination = match inputs.text("destinationPath") {
        Some(path) => within(context, &path),
        None => format!("{}/", downloads(context)),
    };
    let (script, stdin, variables) = match source {
        Source::Git(variables) => (GIT, None, variables),
        Source::Http { config, variables } => (HTTP, Some(config.into_bytes()), variables),
    };
    let own = [("DOWNLOADS", downloads(context)), ("DESTINATION", destination)];
    let command = Command {
        stdin,
        environment: own
            .into_iter()
            .chain(variables)
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        ..Command::script(&format!("{FOLDER}{script}"))
    };
    Ok(host.run(&None, &command)?.into())
}

runwright_sdk::plugin!(DownloadContent);

#[cfg(test)]
mod tests {
    use runwright_sdk::{
        NewValue, ParameterType,
        testing::{FakeHost, check_manifest, context, run},
    };
    use serde_json::{Value, json};

    use super::*;

    /// The variables and the standard input of what is run.
    fn ran(inputs: Value) -> (Value, String) {
        let host = FakeHost::new().on_command(|_, _| Ok(FakeHost::exit(0, "")));
        let secret = NewValue::Given("s3cret".into());
        host.put_parameter("/token", ParameterType::Secure, &secret, false)
            .unwrap();
        run::<DownloadContent>(&host, inputs).unwrap();
        let calls = host.done(None).calls;
        let call = calls.iter().find(|call| call.function == "commands.run").unwrap();
        let request: Value = serde_json::from_str(&call.request).unwrap();
        let command = &request["commands"]["run"]["command"];
        let stdin = command["stdin"].to_string();
        (command["environment"].clone(), stdin)
    }

    fn refused(inputs: Value) -> String {
        run::<DownloadContent>(&FakeHost::new(), inputs).unwrap_err().message
    }

    fn has(environment: &Value, name: &str, value: &str) -> bool {
        environment[name] == value
    }

    #[test]
    fn the_manifest_is_one_the_engine_takes() {
        check_manifest::<DownloadContent>();
    }

    #[test]
    fn a_repository_is_cloned_without_a_secret_in_an_argument() {
        let (environment, _) = ran(json!({"sourceType": "GitHub", "destinationPath": "docs",
            "sourceInfo": "{\"owner\": \"o\", \"repository\": \"r\", \"path\": \"a/b.sh\", \
                \"getOptions\": \"branch:refs/heads/x\", \"tokenInfo\": \"{{ssm-secure:/token}}\"}"}));
        assert!(
            has(&environment, "REPOSITORY", "https://github.com/o/r.git"),
            "{environment}"
        );
        assert!(has(&environment, "BRANCH", "x") && has(&environment, "SUBPATH", "a/b.sh"));
        let folder = format!("/var/tmp/runwright-{}", context().execution_id);
        assert!(has(&environment, "DESTINATION", &format!("{folder}/docs")));
        assert!(
            !environment.to_string().contains("s3cret"),
            "a placeholder stands for it"
        );
        let (environment, _) = ran(json!({"sourceType": "Git",
            "sourceInfo": {"repository": "/srv/x.git", "getOptions": "commitID:abc123"}}));
        assert!(has(&environment, "COMMIT", "abc123") && has(&environment, "BRANCH", ""));
        assert!(has(&environment, "DESTINATION", &format!("{folder}/")));
    }

    #[test]
    fn an_address_is_told_to_curl_by_standard_input() {
        let (environment, stdin) = ran(json!({"sourceType": "HTTP", "sourceInfo": {
            "url": "https://example.com/a/tool.tgz?x=\"1", "authMethod": "Digest", "username": "me", "password": "{{ssm-secure:/token}}"}}));
        assert!(has(&environment, "NAME", "tool.tgz"), "{environment}");
        assert!(!stdin.contains("s3cret"));
    }

    #[test]
    fn what_cannot_be_fetched_is_said() {
        let http = |info: Value| refused(json!({"sourceType": "HTTP", "sourceInfo": info}));
        assert!(http(json!({"url": "http://example.com/x"})).contains("allowInsecureDownload"));
        assert!(http(json!({"url": "ftp://example.com/x"})).contains("https"));
        assert!(http(json!({"url": "https://example.com/\nx"})).contains("no address"));
        assert!(http(json!({"url": "https://example.com/x", "authMethod": "NTLM"})).contains("NTLM"));
        assert!(http(json!({})).contains("`url`"));
        let s3 = |path: &str| refused(json!({"sourceType": "S3", "sourceInfo": {"path": path}}));
        assert!(s3("https://s3.amazonaws.com/bucket/folder/").contains("folder"));
        let ssm = refused(json!({"sourceType": "SSMDocument", "sourceInfo": {"name": "X"}}));
        assert!(ssm.contains("documentType: SSMDocument"), "{ssm}");
        let git = |info: Value| refused(json!({"sourceType": "Git", "sourceInfo": info}));
        assert!(git(json!({"repository": "x", "getOptions": "tag:1"})).contains("getOptions"));
        assert!(git(json!({"repository": "--upload-pack=x"})).contains("no repository"));
        assert!(git(json!({"repository": "ext::sh -c x"})).contains("no repository"));
    }
}
