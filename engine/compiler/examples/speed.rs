//! How long a document of ten thousand steps takes: `cargo run --release -p runwright-compiler --example speed`.
#![expect(clippy::print_stdout, reason = "the result is for people")]

use std::{fmt::Write as _, time::Instant};

use runwright_compiler::{Catalog, Source, parse};
use runwright_model::{
    action::{ActionSpec, Impact, Manifest},
    digest::Digest,
    grant::Grants,
    schema::Schema,
};

const STEPS: usize = 10_000;

/// Steps in a row, each using the one before.
fn list() -> String {
    let mut text = String::from("schemaVersion: '0.3'\nparameters:\n  Name: {type: String}\nmainSteps:\n");
    for step in 0..STEPS {
        let before = step.saturating_sub(1);
        let input = if step == 0 {
            "{{ Name }}".to_owned()
        } else {
            format!("{{{{ step{before}.Out }}}}")
        };
        let _ = write!(
            text,
            "  - name: step{step}\n    action: acme:work\n    onFailure: Abort\n    inputs:\n      Value: \"{input}\"\n"
        );
    }
    text
}

/// A wide graph: every step depends on two before it.
fn graph() -> String {
    let mut text = String::from("schemaVersion: '0.3'\nmainSteps:\n");
    for step in 0..STEPS {
        let before = [step / 2, step / 3].map(|other| format!("step{other}"));
        let depends = if step < 2 {
            String::new()
        } else {
            format!("    dependsOn: [{}]\n", before.join(", "))
        };
        let input = if step < 2 {
            "x".to_owned()
        } else {
            format!("{{{{ {}.Out }}}}", before[0])
        };
        let _ = write!(
            text,
            "  - name: step{step}\n    action: acme:work\n{depends}    inputs:\n      Value: \"{input}\"\n"
        );
    }
    text
}

fn catalog() -> Catalog {
    let manifest = Manifest {
        action: "acme:work".into(),
        version: "1.0.0".into(),
        description: String::new(),
        inputs: Schema::default(),
        outputs: Schema::default(),
        capabilities: Vec::new(),
        rollback: false,
        impact: Impact::Mutating,
    };
    let spec = ActionSpec {
        manifest,
        component: Digest::of(b"work"),
        grants: Grants::default(),
    };
    Catalog {
        actions: [("acme:work".to_owned(), spec)].into(),
        ..Catalog::default()
    }
}

fn main() {
    let catalog = catalog();
    for (kind, text) in [("list", list()), ("graph", graph())] {
        let source = Source {
            name: kind.into(),
            origin: kind.into(),
            text,
        };
        for _ in 0..5 {
            let start = Instant::now();
            let parsed = parse(&source);
            let read = start.elapsed();
            let compiled = parsed.compile(&catalog);
            let all = start.elapsed();
            let steps = compiled.plan.map_or(0, |plan| plan.steps.len());
            println!(
                "{kind}: {STEPS} steps, {} bytes, read {read:.1?}, compiled {all:.1?}, {steps} in the plan",
                source.text.len()
            );
        }
    }
}
