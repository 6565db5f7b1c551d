//! `rw:template`: renders a template into a file, and puts back what was there on rollback.
//!
//! The delimiters are `<%= value %>`, `<% if … %>` and `<%# comment %>`, because `{{ … }}` in a runbook is a
//! reference of the runbook. The language inside is Jinja's. `Syntax: jinja` takes Jinja's own delimiters, for
//! template files that have them.

mod render;

use runwright_sdk::{
    Action, Context, Done, Failure, Host, Manifest, Target, WriteOptions,
    files::{self, Replacement},
    schema,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use render::Syntax;

/// The action.
pub struct Template;

/// The inputs of a step.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Inputs {
    path: String,
    template: Option<String>,
    template_file: Option<String>,
    #[serde(default)]
    syntax: Syntax,
    #[serde(default)]
    values: Map<String, Value>,
    mode: Option<String>,
    owner: Option<String>,
    group: Option<String>,
    #[serde(default)]
    parents: bool,
    target: Target,
}

/// The outputs of a step.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    path: String,
    changed: bool,
    sha256: String,
}

impl Action for Template {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn manifest() -> Manifest {
        let inputs = schema::object()
            .required("Path", schema::string("Absolute path of the file to write."))
            .optional(
                "Template",
                schema::string(
                    "The template: `<%= name %>` for a value, `<% if name %>…<% endif %>` and `<% for x in list %>…<% endfor %>`, \
                     `<%# comment %>`. Either this or TemplateFile.",
                ),
            )
            .optional("TemplateFile", schema::string("Absolute path of the template on the engine's machine. Either this or Template."))
            .optional(
                "Syntax",
                schema::string("`runbook`: delimiters `<% %>`; `jinja`: delimiters `{{ }}` and `{% %}`, for template files.")
                    .one_of(["runbook", "jinja"])
                    .default("runbook"),
            )
            .optional("Values", schema::map("What the template may use. A name that is not here is an error.", schema::any("A value; may hold secrets.")))
            .optional("Mode", schema::string("Permission bits in octal, as in \"0644\". When absent: those of the file replaced, else 0644."))
            .optional("Owner", schema::string("Owner's name or number. When absent: that of the file replaced, else the engine's user."))
            .optional("Group", schema::string("Group's name or number. When absent: that of the file replaced, else the engine's group."))
            .optional("Parents", schema::boolean("Make missing folders above it; a rollback removes them if they are empty.").default(false))
            .optional("Target", schema::string("The machine the file is written on; the engine's own when absent."));
        let outputs = schema::object()
            .required("Path", schema::string("The path."))
            .required(
                "Changed",
                schema::boolean("Whether contents, mode, owner or group are different from before."),
            )
            .required(
                "Sha256",
                schema::string("SHA-256 of what the file holds now, in hexadecimal."),
            );
        Manifest::new(
            "rw:template",
            env!("CARGO_PKG_VERSION"),
            "Renders a template into a file, unless it is there already. A rollback puts back what was there.",
        )
        .inputs(inputs)
        .outputs(outputs)
        .wants(
            "files",
            "Reads the template, keeps what stands at the path, writes the file, and puts it back on rollback.",
        )
        .undoes()
    }

    fn run(host: &impl Host, _: &Context, inputs: Inputs) -> Result<Outputs, Failure> {
        let mode = inputs.mode.as_deref().map(files::parse_mode).transpose()?;
        let (name, template) = read_template(host, inputs.template, inputs.template_file)?;
        let text = render::render(&name, &template, inputs.syntax, inputs.values)?;
        let contents = text.as_bytes();
        let sha256: String = Sha256::digest(contents)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let options = WriteOptions {
            mode,
            owner: inputs.owner,
            group: inputs.group,
            parents: inputs.parents,
        };
        let new = Replacement {
            on: &inputs.target,
            path: &inputs.path,
            contents,
            sha256: Some(&sha256),
            options,
        };
        let replaced = files::replace(host, &new)?;
        Ok(Outputs {
            changed: replaced.changed,
            sha256: replaced.sha256,
            path: inputs.path,
        })
    }

    fn rollback(host: &impl Host, _: &Context, _: Inputs, done: &Done) -> Result<(), Failure> {
        files::undo(host, done)
    }
}

/// The template, and what to call it in messages.
fn read_template(host: &impl Host, text: Option<String>, file: Option<String>) -> Result<(String, String), Failure> {
    match (text, file) {
        (Some(text), None) => Ok(("Template".to_owned(), text)),
        (None, Some(path)) => {
            let doing = format!("reading the template `{path}`");
            let bytes = host
                .read_file(&None, &path)
                .map_err(|error| Failure::from(error).while_doing(&doing))?;
            let text = String::from_utf8(bytes)
                .map_err(|_| Failure::invalid(format!("the template `{path}` is no UTF-8 text")))?;
            Ok((path, text))
        }
        (Some(_), Some(_)) => Err(Failure::invalid(
            "inputs `Template` and `TemplateFile` are both given: use one of them",
        )),
        (None, None) => Err(Failure::invalid("input `Template` or `TemplateFile` is needed")),
    }
}

runwright_sdk::plugin!(Template);

#[cfg(test)]
mod tests {
    use runwright_sdk::{
        FailureKind,
        testing::{FakeHost, check_manifest, rollback, run},
    };
    use serde_json::json;

    use super::*;

    #[test]
    fn the_manifest_is_one_the_engine_takes() {
        check_manifest::<Template>();
    }

    #[test]
    fn a_template_is_written_and_taken_back() {
        let host = FakeHost::new();
        let template =
            "<%# made by a runbook %>\n<% for host in hosts %>\nserver <%= host.name %>:<%= port %>;\n<% endfor %>\n";
        let inputs = json!({"Path": "/etc/upstream", "Template": template, "Mode": "0600",
            "Values": {"port": 80, "hosts": [{"name": "a"}, {"name": "b"}]}});
        let outputs = run::<Template>(&host, inputs.clone()).unwrap();
        assert_eq!(
            host.read_file(&None, "/etc/upstream").unwrap(),
            b"server a:80;\nserver b:80;\n"
        );
        assert_eq!(outputs["Changed"], true);
        rollback::<Template>(&host, inputs, &host.done(Some(&outputs))).unwrap();
        assert_eq!(host.stat(&None, "/etc/upstream"), Ok(None));
    }

    #[test]
    fn a_file_of_jinja_can_be_used_as_it_is() {
        let host = FakeHost::new();
        host.write_file(&None, "/tmp/motd.j2", b"Hello {{ name }}\n", &WriteOptions::default())
            .unwrap();
        let inputs = json!({"Path": "/etc/motd", "TemplateFile": "/tmp/motd.j2", "Syntax": "jinja", "Values": {"name": "web-1"}});
        run::<Template>(&host, inputs.clone()).unwrap();
        assert_eq!(host.read_file(&None, "/etc/motd").unwrap(), b"Hello web-1\n");
        assert_eq!(run::<Template>(&host, inputs).unwrap()["Changed"], false);
    }

    #[test]
    fn wrong_inputs_write_nothing() {
        for inputs in [
            json!({"Path": "/etc/x"}),
            json!({"Path": "/etc/x", "Template": "", "TemplateFile": "/tmp/x"}),
            json!({"Path": "/etc/x", "Template": "<%= missing %>"}),
            json!({"Path": "/etc/x", "Template": "<% if %>"}),
        ] {
            let host = FakeHost::new();
            assert_eq!(
                run::<Template>(&host, inputs).unwrap_err().kind,
                FailureKind::InvalidInput
            );
            assert!(host.functions().is_empty());
        }
    }
}
