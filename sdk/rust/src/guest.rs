//! Joins an [`Action`] to the contract: JSON to types and back, and the host's functions as a [`Host`].

use std::{marker::PhantomData, time::SystemTime};

use serde_json::Value;

use crate::{
    Action, AwsRequest, Command, Completed, Condition, Context, Decision, DocumentEnd, Done, Error, Facts, Failure,
    Host, Kept, Level, Manifest, NewValue, Outcome, Parameter, ParameterType, Patience, Probed, Question, Received,
    Request, Response, StartRequest, Target, Timestamp, WriteOptions,
    bindings::{
        exports::runwright::plugin::action::Guest,
        runwright::plugin::{approvals, aws, blobs, commands, executions, files, http, log, parameters, step, waits},
    },
};

/// The exports of a plugin whose action is `A`. Used by [`plugin!`](crate::plugin).
pub struct Exports<A>(PhantomData<A>);

impl<A: Action> Guest for Exports<A> {
    fn describe() -> Manifest {
        A::manifest()
    }

    fn run(context: Context, inputs: String) -> Result<String, Failure> {
        run::<A>(&Imports, &context, &inputs)
    }

    fn rollback(context: Context, inputs: String, done: Done) -> Result<(), Failure> {
        A::rollback(&Imports, &context, parse::<A>(&inputs)?, &done)
    }
}

pub(crate) fn run<A: Action>(host: &impl Host, context: &Context, inputs: &str) -> Result<String, Failure> {
    let outputs = A::run(host, context, parse::<A>(inputs)?)?;
    serde_json::to_string(&outputs).map_err(|error| {
        Failure::failed(format!(
            "the step ended, but its outputs cannot be written as JSON: {error}"
        ))
    })
}

pub(crate) fn parse<A: Action>(inputs: &str) -> Result<A::Inputs, Failure> {
    let mut reader = serde_json::Deserializer::from_str(inputs);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let place = error.path().to_string();
        let action = A::manifest().action;
        let what = without_position(&error.into_inner().to_string());
        if place == "." {
            Failure::invalid(format!("the inputs of {action} do not fit: {what}"))
        } else {
            Failure::invalid(format!("input `{place}` of {action} does not fit: {what}"))
        }
    })
}

/// The message without ` at line 1 column 20`: the author wrote no such text.
fn without_position(message: &str) -> String {
    message
        .rsplit_once(" at line ")
        .map_or(message, |(what, _)| what)
        .to_owned()
}

/// The host of a running plugin: calls go through the contract.
#[derive(Debug, Clone, Copy, Default)]
pub struct Imports;

impl Host for Imports {
    fn log(&self, level: Level, message: &str) {
        log::write(level, message);
    }

    fn progress(&self, done: u64, total: u64, message: &str) {
        log::progress(done, total, message);
    }

    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::try_from(since.as_millis()).unwrap_or(Timestamp::MAX)
    }

    fn attachment(&self, name: &str) -> Option<Vec<u8>> {
        step::attachment(name)
    }

    fn global(&self, name: &str) -> Option<String> {
        let named = step::globals().into_iter().find(|(known, _)| known == name);
        named.map(|(_, value)| value)
    }

    fn run(&self, on: &Target, command: &Command) -> Result<Completed, Error> {
        commands::run(on, command)
    }

    fn run_document(&self, request: &Value) -> Result<DocumentEnd, Error> {
        commands::run_document(&request.to_string())
    }

    fn read_file(&self, on: &Target, path: &str) -> Result<Vec<u8>, Error> {
        files::read(on, path)
    }

    fn write_file(&self, on: &Target, path: &str, contents: &[u8], options: &WriteOptions) -> Result<(), Error> {
        files::write(on, path, contents, options)
    }

    fn stat(&self, on: &Target, path: &str) -> Result<Option<Facts>, Error> {
        files::stat(on, path)
    }

    fn list_directory(&self, on: &Target, path: &str) -> Result<Vec<String>, Error> {
        files::list_directory(on, path)
    }

    fn make_directory(&self, on: &Target, path: &str, mode: Option<u32>) -> Result<(), Error> {
        files::make_directory(on, path, mode)
    }

    fn link(&self, on: &Target, path: &str, points_to: &str) -> Result<(), Error> {
        files::link(on, path, points_to)
    }

    fn remove(&self, on: &Target, path: &str) -> Result<(), Error> {
        files::remove(on, path)
    }

    fn snapshot(&self, on: &Target, path: &str) -> Result<Kept, Error> {
        files::snapshot(on, path)
    }

    fn restore(&self, on: &Target, snapshot: &Kept) -> Result<(), Error> {
        files::restore(on, snapshot)
    }

    fn send(&self, request: &Request) -> Result<Response, Error> {
        http::send(request)
    }

    fn send_aws(&self, request: &AwsRequest) -> Result<Response, Error> {
        let aws::Response { status, headers, body } = aws::send(request)?;
        Ok(Response { status, headers, body })
    }

    fn parameter(&self, name: &str) -> Result<Parameter, Error> {
        parameters::get(name)
    }

    fn parameters_by_path(&self, path: &str, recursive: bool) -> Result<Vec<Parameter>, Error> {
        parameters::get_by_path(path, recursive)
    }

    fn put_parameter(
        &self,
        name: &str,
        parameter_type: ParameterType,
        value: &NewValue,
        overwrite: bool,
    ) -> Result<Parameter, Error> {
        parameters::put(name, parameter_type, value, overwrite)
    }

    fn delete_parameter(&self, name: &str) -> Result<(), Error> {
        parameters::delete(name)
    }

    fn parameter_history(&self, name: &str) -> Result<Vec<Parameter>, Error> {
        parameters::history(name)
    }

    fn label_parameter(&self, name: &str, version: u64, label: &str) -> Result<(), Error> {
        parameters::label(name, version, label)
    }

    fn reveal(&self, placeholder: &str) -> Result<String, Error> {
        parameters::reveal(placeholder)
    }

    fn ask(&self, question: &Question) -> Result<Decision, Error> {
        approvals::request(question)
    }

    fn sleep(&self, duration_ms: u64) -> Result<(), Error> {
        waits::sleep(duration_ms)
    }

    fn sleep_until(&self, moment: Timestamp) -> Result<(), Error> {
        waits::sleep_until(moment)
    }

    fn signal(&self, name: &str, deadline: Option<Timestamp>) -> Result<Received, Error> {
        waits::signal(name, deadline)
    }

    fn probe(&self, on: &Target, condition: &Condition, patience: Patience) -> Result<Probed, Error> {
        waits::probe(on, condition, patience)
    }

    fn put_blob(&self, contents: &[u8]) -> Result<String, Error> {
        blobs::put(contents)
    }

    fn blob(&self, name: &str, offset: u64, length: u32) -> Result<Vec<u8>, Error> {
        blobs::get(name, offset, length)
    }

    fn blob_size(&self, name: &str) -> Result<u64, Error> {
        blobs::size(name)
    }

    fn start_execution(&self, request: &StartRequest) -> Result<String, Error> {
        executions::start(request)
    }

    fn wait_execution(&self, id: &str) -> Result<Outcome, Error> {
        executions::wait(id)
    }
}
