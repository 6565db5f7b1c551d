//! `wit/executions.wit`: child executions.

use runwright_model::{
    capability::{Answer, Request, executions as model},
    id::ExecutionId,
};
use serde_json::{Map, Value};

use super::types::check_json;
use crate::{
    bindings::{executions, types::Error},
    state::State,
};

impl executions::Host for State {
    async fn start(&mut self, request: executions::StartRequest) -> wasmtime::Result<Result<String, Error>> {
        let executions::StartRequest { runbook, parameters } = request;
        if let Err(error) = check_json(&parameters) {
            return Ok(Err(error));
        }
        let parameters: Map<String, Value> = match serde_json::from_str(&parameters) {
            Ok(parameters) => parameters,
            Err(error) => {
                let text = format!("The parameters for `{runbook}` are not a JSON object: {error}.");
                return Ok(Err(Error::Invalid(text)));
            }
        };
        self.ask(
            Request::Executions(model::Request::Start { runbook, parameters }),
            |answer| match answer {
                Answer::Executions(model::Answer::Started(id)) => Some(id.into()),
                _ => None,
            },
        )
        .await
    }

    async fn wait(&mut self, id: String) -> wasmtime::Result<Result<executions::Outcome, Error>> {
        let id: ExecutionId = match id.parse() {
            Ok(id) => id,
            Err(error) => return Ok(Err(Error::Invalid(error.to_string()))),
        };
        self.ask(
            Request::Executions(model::Request::Wait { id }),
            |answer| match answer {
                Answer::Executions(model::Answer::Ended(end)) => Some(executions::Outcome {
                    status: end.status.to_string(),
                    outputs: Value::Object(end.outputs).to_string(),
                    failure: end.failure,
                }),
                _ => None,
            },
        )
        .await
    }
}
