//! Makes any capability call: a request of the model as JSON in, its outcome as JSON out.

use runwright_model::capability::{
    Answer, Outcome, Request, blobs as model_blobs, commands as model_commands, executions as model_executions,
    files as model_files, parameters as model_parameters, waits as model_waits,
};
use serde_json::Value;

use crate::{
    convert::{ToModel, ToWit},
    exports::runwright::plugin::action::Failure,
    runwright::plugin::{approvals, aws, blobs, commands, executions, files, http, parameters, types, waits},
    wrong,
};

/// Makes the call and answers its outcome.
pub fn make(request: &Value) -> Result<Value, Failure> {
    let request: Request = serde_json::from_value(request.clone())
        .map_err(|error| wrong(format!("`request` is no request of the model: {error}")))?;
    let outcome = perform(request);
    Ok(serde_json::to_value(outcome).expect("an outcome is JSON"))
}

fn perform(request: Request) -> Outcome {
    match request {
        Request::Commands(model_commands::Request::Run { on, command }) => {
            answer(commands::run(&on, &command.into_wit()), |completed| {
                Answer::Commands(model_commands::Answer::Completed(completed.into_model()))
            })
        }
        Request::Commands(model_commands::Request::RunDocument { request }) => {
            let request = Value::Object(request).to_string();
            answer(commands::run_document(&request), |end| {
                Answer::Commands(model_commands::Answer::Document(end.into_model()))
            })
        }
        Request::Files(request) => perform_files(request),
        Request::Http(request) => answer(http::send(&request.into_wit()), |response| {
            Answer::Http(response.into_model())
        }),
        Request::Aws(request) => answer(aws::send(&request.into_wit()), |response| {
            Answer::Aws(response.into_model())
        }),
        Request::Parameters(request) => perform_parameters(request),
        Request::Approvals(question) => answer(approvals::request(&question.into_wit()), |decision| {
            Answer::Approvals(decision.into_model())
        }),
        Request::Waits(request) => perform_waits(request),
        Request::Blobs(request) => perform_blobs(request),
        Request::Executions(request) => perform_executions(request),
    }
}

fn perform_files(request: model_files::Request) -> Outcome {
    use model_files::{Answer as A, Request as R};
    match request {
        R::Read { on, path } => answer(files::read(&on, &path), |bytes| {
            Answer::Files(A::Contents(bytes.into()))
        }),
        R::Write {
            on,
            path,
            contents,
            options,
        } => done(files::write(&on, &path, &contents.0, &options.into_wit())),
        R::Stat { on, path } => answer(files::stat(&on, &path), |stat| {
            Answer::Files(A::Stat(stat.map(ToModel::into_model)))
        }),
        R::ListDirectory { on, path } => answer(files::list_directory(&on, &path), |names| {
            Answer::Files(A::Names(names))
        }),
        R::MakeDirectory { on, path, mode } => done(files::make_directory(&on, &path, mode)),
        R::Link { on, path, points_to } => done(files::link(&on, &path, &points_to)),
        R::Remove { on, path } => done(files::remove(&on, &path)),
        R::Snapshot { on, path } => answer(files::snapshot(&on, &path), |snapshot| {
            Answer::Files(A::Snapshot(snapshot.into_model()))
        }),
        R::Restore { on, snapshot } => done(files::restore(&on, &snapshot.into_wit())),
    }
}

fn perform_parameters(request: model_parameters::Request) -> Outcome {
    use model_parameters::{Answer as A, Request as R};
    let one = |parameter: parameters::Parameter| Answer::Parameters(A::Parameter(parameter.into_model()));
    let many = |found: Vec<parameters::Parameter>| {
        Answer::Parameters(A::Parameters(found.into_iter().map(ToModel::into_model).collect()))
    };
    match request {
        R::Get { name } => answer(parameters::get(&name), one),
        R::GetByPath { path, recursive } => answer(parameters::get_by_path(&path, recursive), many),
        R::Put {
            name,
            parameter_type,
            value,
            overwrite,
        } => answer(
            parameters::put(&name, parameter_type.into_wit(), &value.into_wit(), overwrite),
            one,
        ),
        R::Delete { name } => done(parameters::delete(&name)),
        R::History { name } => answer(parameters::history(&name), many),
        R::Label { name, version, label } => done(parameters::label(&name, version, &label)),
        R::Reveal { placeholder } => answer(parameters::reveal(&placeholder), |value| {
            Answer::Parameters(A::Revealed(value))
        }),
    }
}

fn perform_waits(request: model_waits::Request) -> Outcome {
    use model_waits::{Answer as A, Request as R};
    match request {
        R::Sleep { duration_ms } => done(waits::sleep(duration_ms)),
        R::SleepUntil { moment } => done(waits::sleep_until(moment.into_wit())),
        R::Signal { name, deadline } => answer(waits::signal(&name, deadline.map(ToWit::into_wit)), |signal| {
            Answer::Waits(A::Signal(signal.into_model()))
        }),
        R::Probe { on, probe, patience } => {
            answer(waits::probe(&on, &probe.into_wit(), patience.into_wit()), |probed| {
                Answer::Waits(A::Probed {
                    probes: probed.probes,
                    waited_ms: probed.waited_ms,
                })
            })
        }
    }
}

fn perform_blobs(request: model_blobs::Request) -> Outcome {
    use model_blobs::{Answer as A, Request as R};
    match request {
        R::Put { contents } => answer(blobs::put(&contents.0), |name| Answer::Blobs(A::Name(name))),
        R::Get { name, offset, length } => answer(blobs::get(&name, offset, length), |bytes| {
            Answer::Blobs(A::Contents(bytes.into()))
        }),
        R::Size { name } => answer(blobs::size(&name), |size| Answer::Blobs(A::Size(size))),
    }
}

fn perform_executions(request: model_executions::Request) -> Outcome {
    use model_executions::{Answer as A, Request as R};
    match request {
        R::Start { runbook, parameters } => {
            let request = executions::StartRequest {
                runbook,
                parameters: Value::Object(parameters).to_string(),
            };
            answer(executions::start(&request), |id| {
                Answer::Executions(A::Started(id.parse().expect("the engine answers an id")))
            })
        }
        R::Wait { id } => answer(executions::wait(id.as_str()), |outcome| {
            Answer::Executions(A::Ended(outcome.into_model()))
        }),
    }
}

fn answer<T>(result: Result<T, types::Error>, wrap: impl FnOnce(T) -> Answer) -> Outcome {
    result.map(wrap).map_err(ToModel::into_model)
}

fn done(result: Result<(), types::Error>) -> Outcome {
    answer(result, |()| Answer::Done)
}
