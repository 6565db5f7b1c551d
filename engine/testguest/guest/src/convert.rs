//! Between the model's shapes and those of `wit/`, seen from the guest.

use runwright_model::{
    capability::{
        Capability, Error, approvals as model_approvals, aws as model_aws, commands as model_commands, executions as model_executions,
        files as model_files, http as model_http, parameters as model_parameters, waits as model_waits,
    },
    status::Status,
    time::Timestamp,
};

use crate::runwright::plugin::{approvals, aws, commands, executions, files, http, parameters, types, waits};

/// The other side's form of a value.
pub trait ToWit {
    type Wit;
    fn into_wit(self) -> Self::Wit;
}

/// The model's form of a value.
pub trait ToModel {
    type Model;
    fn into_model(self) -> Self::Model;
}

impl ToWit for Timestamp {
    type Wit = u64;
    fn into_wit(self) -> u64 {
        u64::try_from(self.as_millis()).unwrap_or(0)
    }
}

impl ToModel for u64 {
    type Model = Timestamp;
    fn into_model(self) -> Timestamp {
        Timestamp::from_millis(i64::try_from(self).unwrap_or(i64::MAX))
    }
}

impl ToModel for types::Error {
    type Model = Error;
    fn into_model(self) -> Error {
        match self {
            Self::Denied(denial) => Error::Denied {
                capability: Capability::from_name(&denial.capability).expect("a capability is denied"),
                missing: denial.missing,
            },
            Self::NotFound(text) => Error::NotFound(text),
            Self::Invalid(text) => Error::Invalid(text),
            Self::Throttled(text) => Error::Throttled(text),
            Self::TimedOut(text) => Error::TimedOut(text),
            Self::LimitExceeded(excess) => Error::LimitExceeded {
                which: excess.which,
                limit: excess.limit,
                used: excess.used,
            },
            Self::Unavailable(text) => Error::Unavailable(text),
            Self::Uncertain(text) => Error::Uncertain(text),
        }
    }
}

impl ToWit for model_commands::Command {
    type Wit = commands::Command;
    fn into_wit(self) -> commands::Command {
        commands::Command {
            arguments: self.arguments,
            script: self.script,
            stdin: self.stdin.map(|bytes| bytes.0),
            environment: self.environment.into_iter().collect(),
            working_directory: self.working_directory,
            run_as: self.run_as,
            timeout_ms: self.timeout_ms,
        }
    }
}

impl ToModel for commands::Completed {
    type Model = model_commands::Completed;
    fn into_model(self) -> model_commands::Completed {
        model_commands::Completed {
            exit_code: self.exit_code,
            signal: self.signal,
            stdout: self.stdout,
            stderr: self.stderr,
            stdout_blob: self.stdout_blob,
            stderr_blob: self.stderr_blob,
            duration_ms: self.duration_ms,
        }
    }
}

impl ToModel for commands::DocumentEnd {
    type Model = model_commands::DocumentEnd;
    fn into_model(self) -> model_commands::DocumentEnd {
        let node = |node: commands::NodeEnd| model_commands::NodeEnd {
            node: node.node,
            status: node.status,
            response_code: node.response_code,
            stdout: node.stdout,
            stderr: node.stderr,
        };
        model_commands::DocumentEnd {
            command_id: self.command_id,
            status: self.status,
            details: self.details,
            targets: self.targets,
            errors: self.errors,
            nodes: self.nodes.into_iter().map(node).collect(),
        }
    }
}

impl ToWit for model_files::WriteOptions {
    type Wit = files::WriteOptions;
    fn into_wit(self) -> files::WriteOptions {
        files::WriteOptions {
            mode: self.mode,
            owner: self.owner,
            group: self.group,
            parents: self.parents,
        }
    }
}

impl ToModel for files::Facts {
    type Model = model_files::Stat;
    fn into_model(self) -> model_files::Stat {
        model_files::Stat {
            kind: match self.kind {
                files::Kind::File => model_files::Kind::File,
                files::Kind::Directory => model_files::Kind::Directory,
                files::Kind::Symlink => model_files::Kind::Symlink,
                files::Kind::Other => model_files::Kind::Other,
            },
            size: self.size,
            mode: self.mode,
            owner: self.owner,
            group: self.group,
            modified: self.modified.into_model(),
            link: self.link,
            sha256: self.sha256,
        }
    }
}

impl ToWit for model_files::Stat {
    type Wit = files::Facts;
    fn into_wit(self) -> files::Facts {
        files::Facts {
            kind: match self.kind {
                model_files::Kind::File => files::Kind::File,
                model_files::Kind::Directory => files::Kind::Directory,
                model_files::Kind::Symlink => files::Kind::Symlink,
                model_files::Kind::Other => files::Kind::Other,
            },
            size: self.size,
            mode: self.mode,
            owner: self.owner,
            group: self.group,
            modified: self.modified.into_wit(),
            link: self.link,
            sha256: self.sha256,
        }
    }
}

impl ToModel for files::Kept {
    type Model = model_files::Snapshot;
    fn into_model(self) -> model_files::Snapshot {
        model_files::Snapshot {
            path: self.path,
            before: self.before.map(ToModel::into_model),
            contents: self.contents,
        }
    }
}

impl ToWit for model_files::Snapshot {
    type Wit = files::Kept;
    fn into_wit(self) -> files::Kept {
        files::Kept {
            path: self.path,
            before: self.before.map(ToWit::into_wit),
            contents: self.contents,
        }
    }
}

impl ToWit for model_http::Request {
    type Wit = http::Request;
    fn into_wit(self) -> http::Request {
        http::Request {
            method: self.method,
            url: self.url,
            headers: self.headers,
            body: self.body.map(|bytes| bytes.0),
            timeout_ms: self.timeout_ms,
            redirects: self.redirects,
        }
    }
}

impl ToModel for http::Response {
    type Model = model_http::Response;
    fn into_model(self) -> model_http::Response {
        model_http::Response {
            status: self.status,
            headers: self.headers,
            body: self.body.into(),
        }
    }
}

impl ToWit for model_aws::Request {
    type Wit = aws::Request;
    fn into_wit(self) -> aws::Request {
        aws::Request {
            service: self.service,
            region: self.region,
            host: self.host,
            method: self.method,
            path: self.path,
            headers: self.headers,
            body: self.body.0,
            credentials: self.credentials,
            timeout_ms: self.timeout_ms,
        }
    }
}

impl ToModel for aws::Response {
    type Model = model_aws::Response;
    fn into_model(self) -> model_aws::Response {
        model_aws::Response {
            status: self.status,
            headers: self.headers,
            body: self.body.into(),
        }
    }
}

impl ToWit for model_parameters::ParameterType {
    type Wit = parameters::ParameterType;
    fn into_wit(self) -> parameters::ParameterType {
        match self {
            Self::String => parameters::ParameterType::Plain,
            Self::StringList => parameters::ParameterType::TextList,
            Self::SecureString => parameters::ParameterType::Secure,
        }
    }
}

impl ToWit for model_parameters::NewValue {
    type Wit = parameters::NewValue;
    fn into_wit(self) -> parameters::NewValue {
        match self {
            Self::Given(text) => parameters::NewValue::Given(text),
            Self::Generated(length) => parameters::NewValue::Generated(length),
        }
    }
}

impl ToModel for parameters::Parameter {
    type Model = model_parameters::Parameter;
    fn into_model(self) -> model_parameters::Parameter {
        model_parameters::Parameter {
            name: self.name,
            parameter_type: match self.parameter_type {
                parameters::ParameterType::Plain => model_parameters::ParameterType::String,
                parameters::ParameterType::TextList => model_parameters::ParameterType::StringList,
                parameters::ParameterType::Secure => model_parameters::ParameterType::SecureString,
            },
            value: self.value,
            version: self.version,
            modified: self.modified.into_model(),
            labels: self.labels,
        }
    }
}

impl ToWit for model_approvals::Request {
    type Wit = approvals::Question;
    fn into_wit(self) -> approvals::Question {
        approvals::Question {
            message: self.message,
            approvers: self.approvers,
            quorum: self.quorum,
            deadline: self.deadline.map(ToWit::into_wit),
        }
    }
}

impl ToModel for approvals::Decision {
    type Model = model_approvals::Decision;
    fn into_model(self) -> model_approvals::Decision {
        let votes = self.votes.into_iter().map(|vote| model_approvals::Vote {
            approver: vote.approver,
            approved: vote.approved,
            comment: vote.comment,
            at: vote.at.into_model(),
        });
        model_approvals::Decision {
            approved: self.approved,
            votes: votes.collect(),
        }
    }
}

impl ToModel for waits::Received {
    type Model = model_waits::Signal;
    fn into_model(self) -> model_waits::Signal {
        model_waits::Signal {
            by: self.by,
            at: self.at.into_model(),
            payload: serde_json::from_str(&self.payload).expect("a payload is JSON"),
        }
    }
}

impl ToWit for model_waits::Probe {
    type Wit = waits::Condition;
    fn into_wit(self) -> waits::Condition {
        match self {
            Self::Tcp { host, port } => waits::Condition::Tcp((host, port)),
            Self::Http { url, status } => waits::Condition::Http((url, status)),
            Self::File { path } => waits::Condition::File(path),
            Self::Command { arguments } => waits::Condition::Command(arguments),
        }
    }
}

impl ToWit for model_waits::Patience {
    type Wit = waits::Patience;
    fn into_wit(self) -> waits::Patience {
        waits::Patience {
            deadline: self.deadline.into_wit(),
            interval_ms: self.interval_ms,
            backoff_percent: self.backoff_percent,
            max_interval_ms: self.max_interval_ms,
        }
    }
}

impl ToModel for executions::Outcome {
    type Model = model_executions::ChildEnd;
    fn into_model(self) -> model_executions::ChildEnd {
        let status = serde_json::from_value::<Status>(self.status.into()).expect("a status is a word of the model");
        model_executions::ChildEnd {
            status,
            outputs: serde_json::from_str(&self.outputs).expect("outputs are a JSON object"),
            failure: self.failure,
        }
    }
}
