//! The fake host's answers: each call is looked up in memory or in what the test scripted, and recorded.

use serde_json::{Value, json};

use super::{
    fake::{FakeHost, Stopped, unscripted},
    record,
};
use crate::{
    AwsRequest, Call, Command, Completed, Condition, Decision, DocumentEnd, Error, Facts, Host, Kept, Level, NewValue,
    Outcome, Parameter, ParameterType, Patience, Probed, Question, Received, Request, Response, StartRequest, Target,
    Timestamp, WriteOptions,
};

impl FakeHost {
    /// Answers a call, and remembers both.
    fn call<T>(
        &self,
        function: &str,
        request: Value,
        answer: impl FnOnce() -> Result<T, Error>,
        shown: impl FnOnce(&T) -> Value,
    ) -> Result<T, Error> {
        if self.stops_at.get() == Some(self.calls.borrow().len()) {
            // No panic: nothing is printed, and nothing went wrong.
            std::panic::resume_unwind(Box::new(Stopped));
        }
        let (capability, name) = function.split_once('.').unwrap_or((function, ""));
        let refused = self.refusals.borrow().get(function).cloned();
        let outcome = refused.map_or_else(answer, Err);
        let request = match capability {
            "http" | "aws" | "approvals" => json!({ capability: request }),
            _ => json!({ capability: { name: request } }),
        };
        let answer = match &outcome {
            Ok(value) => match shown(value) {
                Value::Null => Ok("\"done\"".to_owned()),
                shown => Ok(json!({ capability: shown }).to_string()),
            },
            Err(error) => Err(record::error(error).to_string()),
        };
        let call = Call {
            function: function.to_owned(),
            request: request.to_string(),
            answer: Some(answer),
        };
        self.calls.borrow_mut().push(call);
        outcome
    }
}

fn nothing((): &()) -> Value {
    Value::Null
}

fn response(response: &Response) -> Value {
    json!({"status": response.status, "headers": response.headers, "body": record::bytes(&response.body)})
}

fn one(parameter: &Parameter) -> Value {
    json!({ "parameter": parameter })
}

impl Host for FakeHost {
    fn log(&self, _: Level, message: &str) {
        self.lines.borrow_mut().push(message.to_owned());
    }

    fn progress(&self, done: u64, total: u64, message: &str) {
        self.lines.borrow_mut().push(format!("{done}/{total} {message}"));
    }

    fn now(&self) -> Timestamp {
        self.now.get()
    }

    fn attachment(&self, name: &str) -> Option<Vec<u8>> {
        self.attachments.get(name).cloned()
    }

    fn global(&self, name: &str) -> Option<String> {
        self.globals.get(name).cloned()
    }

    fn run(&self, on: &Target, command: &Command) -> Result<Completed, Error> {
        let answer = || (self.on_command.borrow_mut())(on, command);
        self.call(
            "commands.run",
            json!({"on": on, "command": record::command(command)}),
            answer,
            |c| {
                json!({"completed": {
                    "exit_code": c.exit_code, "signal": c.signal, "stdout": c.stdout, "stderr": c.stderr,
                    "stdout_blob": c.stdout_blob, "stderr_blob": c.stderr_blob, "duration_ms": c.duration_ms,
                }})
            },
        )
    }

    fn run_document(&self, request: &Value) -> Result<DocumentEnd, Error> {
        let answer = || (self.on_document.borrow_mut())(request);
        self.call("commands.run-document", json!({"request": request}), answer, |end| {
            let nodes: Vec<Value> = end.nodes.iter().map(record::node_end).collect();
            json!({"document": {
                "command_id": end.command_id, "status": end.status, "details": end.details,
                "targets": end.targets, "errors": end.errors, "nodes": nodes,
            }})
        })
    }

    fn read_file(&self, on: &Target, path: &str) -> Result<Vec<u8>, Error> {
        let answer = || self.files.borrow().read(on, path);
        self.call(
            "files.read",
            json!({"on": on, "path": path}),
            answer,
            |c| json!({"contents": record::bytes(c)}),
        )
    }

    fn write_file(&self, on: &Target, path: &str, contents: &[u8], how: &WriteOptions) -> Result<(), Error> {
        let request =
            json!({"on": on, "path": path, "contents": record::bytes(contents), "options": record::options(how)});
        self.call(
            "files.write",
            request,
            || self.files.borrow_mut().write(on, path, contents, how),
            nothing,
        )
    }

    fn stat(&self, on: &Target, path: &str) -> Result<Option<Facts>, Error> {
        let answer = || Ok(self.files.borrow().stat(on, path));
        self.call(
            "files.stat",
            json!({"on": on, "path": path}),
            answer,
            |facts| json!({ "stat": facts }),
        )
    }

    fn list_directory(&self, on: &Target, path: &str) -> Result<Vec<String>, Error> {
        let answer = || self.files.borrow().list(on, path);
        self.call(
            "files.list-directory",
            json!({"on": on, "path": path}),
            answer,
            |names| json!({ "names": names }),
        )
    }

    fn make_directory(&self, on: &Target, path: &str, mode: Option<u32>) -> Result<(), Error> {
        let answer = || self.files.borrow_mut().make_directory(on, path);
        self.call(
            "files.make-directory",
            json!({"on": on, "path": path, "mode": mode}),
            answer,
            nothing,
        )
    }

    fn link(&self, on: &Target, path: &str, points_to: &str) -> Result<(), Error> {
        let answer = || self.files.borrow_mut().link(on, path, points_to);
        self.call(
            "files.link",
            json!({"on": on, "path": path, "points_to": points_to}),
            answer,
            nothing,
        )
    }

    fn remove(&self, on: &Target, path: &str) -> Result<(), Error> {
        let answer = || self.files.borrow_mut().remove(on, path);
        self.call("files.remove", json!({"on": on, "path": path}), answer, nothing)
    }

    fn snapshot(&self, on: &Target, path: &str) -> Result<Kept, Error> {
        let answer = || self.files.borrow_mut().snapshot(on, path);
        self.call(
            "files.snapshot",
            json!({"on": on, "path": path}),
            answer,
            |kept| json!({ "snapshot": kept }),
        )
    }

    fn restore(&self, on: &Target, kept: &Kept) -> Result<(), Error> {
        let answer = || self.files.borrow_mut().restore(on, kept);
        self.call("files.restore", json!({"on": on, "snapshot": kept}), answer, nothing)
    }

    fn send(&self, request: &Request) -> Result<Response, Error> {
        let answer = || (self.on_request.borrow_mut())(request);
        self.call("http.send", record::http(request), answer, response)
    }

    fn send_aws(&self, request: &AwsRequest) -> Result<Response, Error> {
        let answer = || (self.on_aws.borrow_mut())(request);
        self.call("aws.send", record::aws(request), answer, response)
    }

    fn parameter(&self, name: &str) -> Result<Parameter, Error> {
        self.call(
            "parameters.get",
            json!({ "name": name }),
            || self.parameters.borrow().get(name),
            one,
        )
    }

    fn parameters_by_path(&self, path: &str, recursive: bool) -> Result<Vec<Parameter>, Error> {
        let answer = || Ok(self.parameters.borrow().by_path(path, recursive));
        self.call(
            "parameters.get-by-path",
            json!({"path": path, "recursive": recursive}),
            answer,
            |all| json!({ "parameters": all }),
        )
    }

    fn put_parameter(
        &self,
        name: &str,
        parameter_type: ParameterType,
        value: &NewValue,
        overwrite: bool,
    ) -> Result<Parameter, Error> {
        let value_shown = record::new_value(value);
        let request =
            json!({"name": name, "parameter_type": parameter_type, "value": value_shown, "overwrite": overwrite});
        let answer = || {
            self.parameters
                .borrow_mut()
                .put(name, parameter_type, value, overwrite, self.now())
        };
        self.call("parameters.put", request, answer, one)
    }

    fn delete_parameter(&self, name: &str) -> Result<(), Error> {
        let answer = || {
            self.parameters.borrow_mut().delete(name);
            Ok(())
        };
        self.call("parameters.delete", json!({ "name": name }), answer, nothing)
    }

    fn parameter_history(&self, name: &str) -> Result<Vec<Parameter>, Error> {
        let answer = || self.parameters.borrow().history(name);
        self.call(
            "parameters.history",
            json!({ "name": name }),
            answer,
            |all| json!({ "parameters": all }),
        )
    }

    fn label_parameter(&self, name: &str, version: u64, label: &str) -> Result<(), Error> {
        let answer = || self.parameters.borrow_mut().label(name, version, label);
        self.call(
            "parameters.label",
            json!({"name": name, "version": version, "label": label}),
            answer,
            nothing,
        )
    }

    fn reveal(&self, placeholder: &str) -> Result<String, Error> {
        let answer = || Ok(format!("revealed {placeholder}"));
        self.call(
            "parameters.reveal",
            json!({ "placeholder": placeholder }),
            answer,
            |text| json!({ "revealed": text }),
        )
    }

    fn ask(&self, question: &Question) -> Result<Decision, Error> {
        let request = json!({
            "message": question.message, "approvers": question.approvers,
            "quorum": question.quorum, "deadline": question.deadline,
        });
        let answer = || {
            self.decisions
                .borrow_mut()
                .pop_front()
                .unwrap_or_else(|| Err(unscripted("a question")))
        };
        self.call("approvals.request", request, answer, |decision| {
            let vote = |v: &crate::Vote| json!({"approver": v.approver, "approved": v.approved, "comment": v.comment, "at": v.at});
            json!({"approved": decision.approved, "votes": decision.votes.iter().map(vote).collect::<Vec<_>>()})
        })
    }

    fn sleep(&self, duration_ms: u64) -> Result<(), Error> {
        let answer = || {
            self.now.set(self.now.get() + duration_ms);
            Ok(())
        };
        self.call("waits.sleep", json!({ "duration_ms": duration_ms }), answer, nothing)
    }

    fn sleep_until(&self, moment: Timestamp) -> Result<(), Error> {
        let answer = || {
            self.now.set(self.now.get().max(moment));
            Ok(())
        };
        self.call("waits.sleep-until", json!({ "moment": moment }), answer, nothing)
    }

    fn signal(&self, name: &str, deadline: Option<Timestamp>) -> Result<Received, Error> {
        let answer = || {
            self.signals
                .borrow_mut()
                .pop_front()
                .unwrap_or_else(|| Err(unscripted("a signal")))
        };
        self.call(
            "waits.signal",
            json!({"name": name, "deadline": deadline}),
            answer,
            |signal| {
                let payload: Value = serde_json::from_str(&signal.payload).unwrap_or_default();
                json!({"signal": {"by": signal.by, "at": signal.at, "payload": payload}})
            },
        )
    }

    fn probe(&self, on: &Target, condition: &Condition, patience: Patience) -> Result<Probed, Error> {
        let request = json!({"on": on, "probe": record::condition(condition), "patience": {
            "deadline": patience.deadline, "interval_ms": patience.interval_ms,
            "backoff_percent": patience.backoff_percent, "max_interval_ms": patience.max_interval_ms,
        }});
        let answer = || {
            self.probes
                .borrow_mut()
                .pop_front()
                .unwrap_or_else(|| Err(unscripted("a probe")))
        };
        self.call(
            "waits.probe",
            request,
            answer,
            |probed| json!({"probed": {"probes": probed.probes, "waited_ms": probed.waited_ms}}),
        )
    }

    fn put_blob(&self, contents: &[u8]) -> Result<String, Error> {
        let answer = || {
            let name = format!("sha256:{}", super::files::digest(contents));
            self.blobs.borrow_mut().insert(name.clone(), contents.to_vec());
            Ok(name)
        };
        self.call(
            "blobs.put",
            json!({"contents": record::bytes(contents)}),
            answer,
            |name| json!({ "name": name }),
        )
    }

    fn blob(&self, name: &str, offset: u64, length: u32) -> Result<Vec<u8>, Error> {
        let answer = || {
            let blobs = self.blobs.borrow();
            let whole = blobs
                .get(name)
                .ok_or_else(|| Error::NotFound(format!("there is no blob `{name}`")))?;
            let offset = usize::try_from(offset).unwrap_or(usize::MAX);
            Ok(whole.iter().skip(offset).take(length as usize).copied().collect())
        };
        let request = json!({"name": name, "offset": offset, "length": length});
        self.call(
            "blobs.get",
            request,
            answer,
            |part: &Vec<u8>| json!({"contents": record::bytes(part)}),
        )
    }

    fn blob_size(&self, name: &str) -> Result<u64, Error> {
        let answer = || {
            let blobs = self.blobs.borrow();
            blobs
                .get(name)
                .map(|b| b.len() as u64)
                .ok_or_else(|| Error::NotFound(format!("there is no blob `{name}`")))
        };
        self.call(
            "blobs.size",
            json!({ "name": name }),
            answer,
            |size| json!({ "size": size }),
        )
    }

    fn start_execution(&self, request: &StartRequest) -> Result<String, Error> {
        let parameters: Value = serde_json::from_str(&request.parameters).unwrap_or_default();
        let request = json!({"runbook": request.runbook, "parameters": parameters});
        self.call(
            "executions.start",
            request,
            || Ok("child-1".to_owned()),
            |id| json!({ "started": id }),
        )
    }

    fn wait_execution(&self, id: &str) -> Result<Outcome, Error> {
        let answer = || {
            self.children
                .borrow_mut()
                .pop_front()
                .ok_or_else(|| unscripted("a child execution"))
        };
        self.call("executions.wait", json!({ "id": id }), answer, |outcome| {
            let outputs: Value = serde_json::from_str(&outcome.outputs).unwrap_or_default();
            json!({"ended": {"status": outcome.status, "outputs": outputs, "failure": outcome.failure}})
        })
    }
}
