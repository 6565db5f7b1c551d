//! The JSON Schema of the language, held against documents: those that compile pass, wrong ones do not.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![expect(clippy::print_stdout, reason = "it says what it found")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use boon::{Compiler, SchemaIndex, Schemas};
use runwright::{Library, Source, tree};
use serde_json::{Value, json};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        println!("skipped: there is no {}", folder.display());
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files
}

/// The document as the compiler reads it.
fn read(path: &Path) -> Value {
    let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    let source = Source {
        name: "x".into(),
        origin: path.display().to_string(),
        text,
    };
    tree(&source).unwrap().value().clone()
}

/// A schema, and what it finds.
struct Validator {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Validator {
    fn of(schema: Value) -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("schema.json", schema).unwrap();
        let index = compiler.compile("schema.json", &mut schemas).unwrap();
        Self { schemas, index }
    }

    /// Why a document does not pass; nothing when it does.
    fn why_not(&self, document: &Value) -> String {
        let found = self.schemas.validate(document, self.index);
        found.err().map_or_else(String::new, |error| format!("{error:#}"))
    }
}

async fn library(state: &Path) -> (Library, Validator) {
    let library = Library::open(state.to_owned(), Vec::new()).unwrap();
    let schema = library.schema(&[]).await.unwrap();
    let validator = Validator::of(schema);
    (library, validator)
}

#[tokio::test]
async fn documents_that_compile_pass() {
    let state = tempfile::tempdir().unwrap();
    let (library, validator) = library(state.path()).await;
    let mut documents = files(&root().join("runbooks"));
    documents.extend(files(&root().join("engine/cli/tests/runbooks")));
    documents.extend(files(&root().join("../shared/corpus/automation")));
    let (mut compiled, mut refused) = (0, Vec::new());
    for path in documents
        .iter()
        .filter(|path| !path.display().to_string().ends_with(".test.yaml"))
    {
        let name = path.display().to_string();
        let runbook = library.runbook(&name).await.unwrap();
        // The schema is that of runbooks; Command documents are another language.
        if runbook.compiled.plan.is_none_or(|plan| plan.command.is_some()) {
            continue;
        }
        compiled += 1;
        let why = validator.why_not(&read(path));
        if !why.is_empty() {
            refused.push(format!("{name}: {why}"));
        }
    }
    println!("{compiled} documents compile, {} of them do not pass", refused.len());
    assert!(compiled > 10, "{compiled}");
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[tokio::test]
async fn wrong_documents_do_not_pass() {
    let state = tempfile::tempdir().unwrap();
    let (_, validator) = library(state.path()).await;
    let step = |step: Value| json!({"schemaVersion": "0.3", "mainSteps": [step]});
    let sleep = json!({"name": "a", "action": "aws:sleep", "inputs": {"Duration": "PT1S"}});
    let with = |key: &str, value: Value| {
        let mut changed = sleep.clone();
        changed[key] = value;
        step(changed)
    };
    assert_eq!(validator.why_not(&step(sleep.clone())), "");
    let reference = with("inputs", json!({"Duration": "{{ Pause }}"}));
    assert_eq!(validator.why_not(&reference), "");
    assert_eq!(validator.why_not(&with("rollback", json!("none"))), "");
    assert_eq!(validator.why_not(&with("timeoutSeconds", json!("60"))), "");
    let wrong = [
        json!({"schemaVersion": "2.2", "mainSteps": [sleep]}),
        json!({"schemaVersion": "0.3", "mainSteps": []}),
        json!({"schemaVersion": "0.3", "mainSteps": [sleep], "mainstep": 1}),
        json!({"schemaVersion": "0.3", "mainSteps": [sleep], "parameters": {"A": {"type": "Text"}}}),
        step(json!({"name": "a", "action": "aws:sleep"})),
        with("name", json!("a b")),
        with("action", json!("aws:slep")),
        with("inputs", json!({"Duraton": "PT1S"})),
        with("inputs", json!({"Duration": "5s"})),
        with("onFailure", json!("Ignore")),
        with("timeoutSeconds", json!(0)),
        with("isEnd", json!("perhaps")),
        with("when", json!({"Variable": "{{ x.y }}"})),
        with("when", json!({"Variable": "{{ x.y }}", "StringEqual": "x"})),
        step(json!({"name": "a", "action": "rw:writeFile", "inputs": {"Content": "x"}})),
        step(json!({"name": "a", "action": "aws:branch", "inputs": {"Choices": [{}]}})),
        step(json!({"name": "a", "action": "aws:loop", "inputs": {"Steps": [sleep]}})),
        step(json!({"name": "a", "action": "aws:executeAwsApi", "inputs": {"Service": "ec2"}})),
    ];
    for document in wrong {
        assert_ne!(validator.why_not(&document), "", "{document}");
    }
}

#[test]
fn test_files_pass_their_own() {
    let validator = Validator::of(runwright::scenario::schema());
    let mut tests = files(&root().join("runbooks/tests"));
    tests.push(root().join("engine/cli/tests/runbooks/confirm.test.yaml"));
    for path in tests {
        assert_eq!(validator.why_not(&read(&path)), "", "{}", path.display());
    }
    let wrong = json!({"runbook": "x", "scenarios": [{"name": "a", "expect": {"status": "Fine"}}]});
    assert_ne!(validator.why_not(&wrong), "");
}
