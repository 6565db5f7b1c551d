//! The fake host itself: what tests make it answer, and what it remembers. `host` is how it answers.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
};

use serde_json::Value;

use super::{files::Files, parameters::Parameters};
use crate::{
    AwsRequest, Call, Command, Completed, Decision, DocumentEnd, Done, Error, Outcome, Probed, Received, Request,
    Response, Target, Timestamp,
};

type OnCommand = Box<dyn FnMut(&Target, &Command) -> Result<Completed, Error>>;
type OnDocument = Box<dyn FnMut(&Value) -> Result<DocumentEnd, Error>>;
type OnRequest = Box<dyn FnMut(&Request) -> Result<Response, Error>>;
type OnAws = Box<dyn FnMut(&AwsRequest) -> Result<Response, Error>>;

/// A host in memory. Everything not scripted answers [`Error::Unavailable`].
pub struct FakeHost {
    pub(super) now: Cell<Timestamp>,
    pub(super) attachments: BTreeMap<String, Vec<u8>>,
    pub(super) globals: BTreeMap<String, String>,
    pub(super) files: RefCell<Files>,
    pub(super) parameters: RefCell<Parameters>,
    pub(super) blobs: RefCell<BTreeMap<String, Vec<u8>>>,
    pub(super) on_command: RefCell<OnCommand>,
    pub(super) on_document: RefCell<OnDocument>,
    pub(super) on_request: RefCell<OnRequest>,
    pub(super) on_aws: RefCell<OnAws>,
    pub(super) decisions: RefCell<VecDeque<Result<Decision, Error>>>,
    pub(super) signals: RefCell<VecDeque<Result<Received, Error>>>,
    pub(super) probes: RefCell<VecDeque<Result<Probed, Error>>>,
    pub(super) children: RefCell<VecDeque<Outcome>>,
    pub(super) refusals: RefCell<BTreeMap<String, Error>>,
    pub(super) calls: RefCell<Vec<Call>>,
    pub(super) lines: RefCell<Vec<String>>,
    /// The engine stops at the call of this number.
    pub(super) stops_at: Cell<Option<usize>>,
}

/// What unwinds when the engine stops.
pub(super) struct Stopped;

impl Default for FakeHost {
    fn default() -> Self {
        Self::new()
    }
}

pub(super) fn unscripted(what: &str) -> Error {
    Error::Unavailable(format!("the fake host has no answer for {what}: script one"))
}

impl FakeHost {
    /// 2026-01-01T00:00:00Z, the time a fake host starts at.
    pub const START: Timestamp = 1_767_225_600_000;

    /// A host with the empty folders `/`, `/tmp` and `/etc`, no parameters, and nothing scripted.
    #[must_use]
    pub fn new() -> Self {
        let globals = [
            ("REGION", "local"),
            ("ACCOUNT_ID", "000000000000"),
            ("AWS_PARTITION", "aws"),
        ];
        Self {
            now: Cell::new(Self::START),
            attachments: BTreeMap::new(),
            globals: globals.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            files: RefCell::default(),
            parameters: RefCell::default(),
            blobs: RefCell::default(),
            on_command: RefCell::new(Box::new(|_, _| Err(unscripted("a command")))),
            on_document: RefCell::new(Box::new(|_| Err(unscripted("a document")))),
            on_request: RefCell::new(Box::new(|_| Err(unscripted("an HTTP request")))),
            on_aws: RefCell::new(Box::new(|_| Err(unscripted("a request to AWS")))),
            decisions: RefCell::default(),
            signals: RefCell::default(),
            probes: RefCell::default(),
            children: RefCell::default(),
            refusals: RefCell::default(),
            calls: RefCell::default(),
            lines: RefCell::default(),
            stops_at: Cell::default(),
        }
    }

    /// Answers every command like this.
    #[must_use]
    pub fn on_command(self, answer: impl FnMut(&Target, &Command) -> Result<Completed, Error> + 'static) -> Self {
        *self.on_command.borrow_mut() = Box::new(answer);
        self
    }

    /// Answers every Command document for managed nodes like this.
    #[must_use]
    pub fn on_document(self, answer: impl FnMut(&Value) -> Result<DocumentEnd, Error> + 'static) -> Self {
        *self.on_document.borrow_mut() = Box::new(answer);
        self
    }

    /// Answers every HTTP request like this.
    #[must_use]
    pub fn on_request(self, answer: impl FnMut(&Request) -> Result<Response, Error> + 'static) -> Self {
        *self.on_request.borrow_mut() = Box::new(answer);
        self
    }

    /// Answers every request to a service of AWS like this.
    #[must_use]
    pub fn on_aws(self, answer: impl FnMut(&AwsRequest) -> Result<Response, Error> + 'static) -> Self {
        *self.on_aws.borrow_mut() = Box::new(answer);
        self
    }

    /// With an attachment of the runbook.
    #[must_use]
    pub fn with_attachment(mut self, name: &str, contents: &[u8]) -> Self {
        self.attachments.insert(name.to_owned(), contents.to_vec());
        self
    }

    /// With another value for `REGION` (`local`), `ACCOUNT_ID` (zeros) or `AWS_PARTITION` (`aws`).
    #[must_use]
    pub fn with_global(mut self, name: &str, value: &str) -> Self {
        self.globals.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Answers the next question of people with this.
    #[must_use]
    pub fn decision(self, decision: Result<Decision, Error>) -> Self {
        self.decisions.borrow_mut().push_back(decision);
        self
    }

    /// Answers the next wait for a signal with this.
    #[must_use]
    pub fn signalled(self, signal: Result<Received, Error>) -> Self {
        self.signals.borrow_mut().push_back(signal);
        self
    }

    /// Answers the next probe with this.
    #[must_use]
    pub fn probed(self, probed: Result<Probed, Error>) -> Self {
        self.probes.borrow_mut().push_back(probed);
        self
    }

    /// Ends the next child execution with this.
    #[must_use]
    pub fn child(self, outcome: Outcome) -> Self {
        self.children.borrow_mut().push_back(outcome);
        self
    }

    /// Answers every call of this function (`files.write`) with an error, and does nothing.
    #[must_use]
    pub fn refuse(self, function: &str, error: Error) -> Self {
        self.refusals.borrow_mut().insert(function.to_owned(), error);
        self
    }

    /// Refuses nothing any more.
    pub fn relent(&self) {
        self.refusals.borrow_mut().clear();
    }

    /// A command that ended with this exit code and wrote this to standard output.
    #[must_use]
    pub fn exit(code: i32, stdout: &str) -> Completed {
        Completed {
            exit_code: Some(code),
            signal: None,
            stdout: stdout.to_owned(),
            stderr: String::new(),
            stdout_blob: None,
            stderr_blob: None,
            duration_ms: 5,
        }
    }

    /// An answer to a request.
    #[must_use]
    pub fn respond(status: u16, content_type: &str, body: &str) -> Response {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Response {
            status,
            headers,
            body: body.as_bytes().to_vec(),
        }
    }

    /// The functions called so far, in order.
    #[must_use]
    pub fn functions(&self) -> Vec<String> {
        self.calls.borrow().iter().map(|call| call.function.clone()).collect()
    }

    /// The lines logged so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.lines.borrow().clone()
    }

    /// What a rollback is told now: every call so far, and these outputs if the step ended well.
    #[must_use]
    pub fn done(&self, outputs: Option<&Value>) -> Done {
        Done {
            outputs: outputs.map(ToString::to_string),
            calls: self.calls.borrow().clone(),
        }
    }
}
