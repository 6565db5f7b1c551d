//! `wit/parameters.wit`: the parameter store.

use runwright_model::capability::{Answer, Request, parameters as model};

use super::types::millis;
use crate::{
    bindings::{parameters, types::Error},
    state::State,
};

type Answered<T> = wasmtime::Result<Result<T, Error>>;

impl parameters::Host for State {
    async fn get(&mut self, name: String) -> Answered<parameters::Parameter> {
        self.ask(Request::Parameters(model::Request::Get { name }), one).await
    }

    async fn get_by_path(&mut self, path: String, recursive: bool) -> Answered<Vec<parameters::Parameter>> {
        self.ask(Request::Parameters(model::Request::GetByPath { path, recursive }), many)
            .await
    }

    async fn put(
        &mut self,
        name: String,
        parameter_type: parameters::ParameterType,
        value: parameters::NewValue,
        overwrite: bool,
    ) -> Answered<parameters::Parameter> {
        let parameter_type = match parameter_type {
            parameters::ParameterType::Plain => model::ParameterType::String,
            parameters::ParameterType::TextList => model::ParameterType::StringList,
            parameters::ParameterType::Secure => model::ParameterType::SecureString,
        };
        let value = match value {
            parameters::NewValue::Given(text) => model::NewValue::Given(text),
            parameters::NewValue::Generated(length) => model::NewValue::Generated(length),
        };
        self.ask(
            Request::Parameters(model::Request::Put {
                name,
                parameter_type,
                value,
                overwrite,
            }),
            one,
        )
        .await
    }

    async fn delete(&mut self, name: String) -> Answered<()> {
        self.order(Request::Parameters(model::Request::Delete { name })).await
    }

    async fn history(&mut self, name: String) -> Answered<Vec<parameters::Parameter>> {
        self.ask(Request::Parameters(model::Request::History { name }), many)
            .await
    }

    async fn label(&mut self, name: String, version: u64, label: String) -> Answered<()> {
        self.order(Request::Parameters(model::Request::Label { name, version, label }))
            .await
    }

    async fn reveal(&mut self, placeholder: String) -> Answered<String> {
        self.ask(
            Request::Parameters(model::Request::Reveal { placeholder }),
            |answer| match answer {
                Answer::Parameters(model::Answer::Revealed(value)) => Some(value),
                _ => None,
            },
        )
        .await
    }
}

fn one(answer: Answer) -> Option<parameters::Parameter> {
    match answer {
        Answer::Parameters(model::Answer::Parameter(parameter)) => Some(parameter_to_wit(parameter)),
        _ => None,
    }
}

fn many(answer: Answer) -> Option<Vec<parameters::Parameter>> {
    match answer {
        Answer::Parameters(model::Answer::Parameters(found)) => Some(found.into_iter().map(parameter_to_wit).collect()),
        _ => None,
    }
}

fn parameter_to_wit(parameter: model::Parameter) -> parameters::Parameter {
    parameters::Parameter {
        name: parameter.name,
        parameter_type: match parameter.parameter_type {
            model::ParameterType::String => parameters::ParameterType::Plain,
            model::ParameterType::StringList => parameters::ParameterType::TextList,
            model::ParameterType::SecureString => parameters::ParameterType::Secure,
        },
        value: parameter.value,
        version: parameter.version,
        modified: millis(parameter.modified),
        labels: parameter.labels,
    }
}
