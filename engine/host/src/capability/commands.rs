//! `wit/commands.wit`: programs and scripts.

use std::collections::BTreeMap;

use runwright_model::capability::{Answer, Request, commands as model};

use super::types::check_json;
use crate::{
    bindings::{commands, types::Error},
    state::State,
};

impl commands::Host for State {
    async fn run(
        &mut self,
        on: Option<String>,
        command: commands::Command,
    ) -> wasmtime::Result<Result<commands::Completed, Error>> {
        let command = match command_to_model(command) {
            Ok(command) => command,
            Err(error) => return Ok(Err(error)),
        };
        self.ask(
            Request::Commands(model::Request::Run { on, command }),
            |answer| match answer {
                Answer::Commands(model::Answer::Completed(completed)) => Some(completed_to_wit(completed)),
                _ => None,
            },
        )
        .await
    }

    async fn run_document(&mut self, request: String) -> wasmtime::Result<Result<commands::DocumentEnd, Error>> {
        if let Err(error) = check_json(&request) {
            return Ok(Err(error));
        }
        let request = match serde_json::from_str(&request) {
            Ok(request) => request,
            Err(error) => return Ok(Err(Error::Invalid(format!("the request is no JSON object: {error}")))),
        };
        self.ask(
            Request::Commands(model::Request::RunDocument { request }),
            |answer| match answer {
                Answer::Commands(model::Answer::Document(end)) => Some(document_to_wit(end)),
                _ => None,
            },
        )
        .await
    }
}

fn command_to_model(command: commands::Command) -> Result<model::Command, Error> {
    let mut environment = BTreeMap::new();
    for (name, value) in command.environment {
        if environment.contains_key(&name) {
            return Err(Error::Invalid(format!(
                "The environment variable `{name}` is given twice. Give it once."
            )));
        }
        environment.insert(name, value);
    }
    Ok(model::Command {
        arguments: command.arguments,
        script: command.script,
        stdin: command.stdin.map(Into::into),
        environment,
        working_directory: command.working_directory,
        run_as: command.run_as,
        timeout_ms: command.timeout_ms,
    })
}

fn completed_to_wit(completed: model::Completed) -> commands::Completed {
    commands::Completed {
        exit_code: completed.exit_code,
        signal: completed.signal,
        stdout: completed.stdout,
        stderr: completed.stderr,
        stdout_blob: completed.stdout_blob,
        stderr_blob: completed.stderr_blob,
        duration_ms: completed.duration_ms,
    }
}

fn document_to_wit(end: model::DocumentEnd) -> commands::DocumentEnd {
    let node = |node: model::NodeEnd| commands::NodeEnd {
        node: node.node,
        status: node.status,
        response_code: node.response_code,
        stdout: node.stdout,
        stderr: node.stderr,
    };
    commands::DocumentEnd {
        command_id: end.command_id,
        status: end.status,
        details: end.details,
        targets: end.targets,
        errors: end.errors,
        nodes: end.nodes.into_iter().map(node).collect(),
    }
}
