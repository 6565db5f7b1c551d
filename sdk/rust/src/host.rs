//! The world as a plugin sees it: one method for each function of `wit/`.

use serde_json::Value;

use crate::{
    AwsRequest, Command, Completed, Condition, Decision, DocumentEnd, Error, Facts, Kept, Level, NewValue, Outcome,
    Parameter, ParameterType, Patience, Probed, Question, Received, Request, Response, StartRequest, Target, Timestamp,
    WriteOptions,
};

/// The host: [`Imports`](crate::Imports) in a running plugin, [`testing::FakeHost`](crate::testing) in tests.
///
/// Take it as `&impl Host`, not as a trait object: then the component imports only what it calls.
///
/// # Errors
///
/// Every method that answers a result answers [`Error::Denied`] without a grant, and otherwise what the
/// comments in `wit/` say. `?` turns an error into a [`Failure`](crate::Failure).
pub trait Host {
    /// Writes a line into the step's log.
    fn log(&self, level: Level, message: &str);

    /// Says how far the step is: `done` of `total` (0: unknown), and what it does now.
    fn progress(&self, done: u64, total: u64, message: &str);

    /// The time: that of the last answered call, so that a replay sees the same.
    fn now(&self) -> Timestamp;

    /// The bytes of an attachment of the runbook; `None` when it has none of that name with a checksum.
    fn attachment(&self, name: &str) -> Option<Vec<u8>>;

    /// The value that runbooks name `global:…`: `REGION`, `ACCOUNT_ID` or `AWS_PARTITION`; `None` for other names.
    fn global(&self, name: &str) -> Option<String>;

    /// Runs a command and waits for its end. A command that ran and failed is an answer.
    fn run(&self, on: &Target, command: &Command) -> Result<Completed, Error>;

    /// Has Systems Manager run a Command document, and waits for its end. `request` is that of `SendCommand`, as JSON.
    fn run_document(&self, request: &Value) -> Result<DocumentEnd, Error>;

    /// Reads a whole regular file, at most 8 MiB.
    fn read_file(&self, on: &Target, path: &str) -> Result<Vec<u8>, Error>;

    /// Replaces a file's contents in one step.
    fn write_file(&self, on: &Target, path: &str, contents: &[u8], options: &WriteOptions) -> Result<(), Error>;

    /// Facts of a path, links not followed; `None` when nothing is there.
    fn stat(&self, on: &Target, path: &str) -> Result<Option<Facts>, Error>;

    /// The names in a folder, sorted.
    fn list_directory(&self, on: &Target, path: &str) -> Result<Vec<String>, Error>;

    /// Makes a folder and those above it.
    fn make_directory(&self, on: &Target, path: &str, mode: Option<u32>) -> Result<(), Error>;

    /// Makes a symbolic link, replacing a link or a file of that name in one step.
    fn link(&self, on: &Target, path: &str, points_to: &str) -> Result<(), Error>;

    /// Removes a file, a link or an empty folder. Succeeds when nothing is there.
    fn remove(&self, on: &Target, path: &str) -> Result<(), Error>;

    /// Keeps what stands at a path, to be put back by [`restore`](Self::restore).
    fn snapshot(&self, on: &Target, path: &str) -> Result<Kept, Error>;

    /// Puts back what a snapshot kept: contents, mode, owner, link, or absence.
    fn restore(&self, on: &Target, snapshot: &Kept) -> Result<(), Error>;

    /// Sends an HTTP request. Every status is an answer.
    fn send(&self, request: &Request) -> Result<Response, Error>;

    /// Sends a request to a service of AWS, as its API wants it; the engine signs it. Every status is an answer.
    fn send_aws(&self, request: &AwsRequest) -> Result<Response, Error>;

    /// Reads a parameter: `name`, `name:version` or `name:label`.
    fn parameter(&self, name: &str) -> Result<Parameter, Error>;

    /// Reads what stands under a path, sorted by name; at most 1,000.
    fn parameters_by_path(&self, path: &str, recursive: bool) -> Result<Vec<Parameter>, Error>;

    /// Writes a new version of a parameter.
    fn put_parameter(
        &self,
        name: &str,
        parameter_type: ParameterType,
        value: &NewValue,
        overwrite: bool,
    ) -> Result<Parameter, Error>;

    /// Deletes a parameter with all its versions. Succeeds when it is not there.
    fn delete_parameter(&self, name: &str) -> Result<(), Error>;

    /// All versions of a parameter, oldest first.
    fn parameter_history(&self, name: &str) -> Result<Vec<Parameter>, Error>;

    /// Moves a label to a version.
    fn label_parameter(&self, name: &str, version: u64, label: &str) -> Result<(), Error>;

    /// The value behind a placeholder. A grant of its own.
    fn reveal(&self, placeholder: &str) -> Result<String, Error>;

    /// Asks people, and waits for their decision.
    fn ask(&self, question: &Question) -> Result<Decision, Error>;

    /// Waits this long, in milliseconds.
    fn sleep(&self, duration_ms: u64) -> Result<(), Error>;

    /// Waits until a moment. Returns at once when it has passed.
    fn sleep_until(&self, moment: Timestamp) -> Result<(), Error>;

    /// Waits for a signal of this name for this step.
    fn signal(&self, name: &str, deadline: Option<Timestamp>) -> Result<Received, Error>;

    /// Probes until a condition comes true.
    fn probe(&self, on: &Target, condition: &Condition, patience: Patience) -> Result<Probed, Error>;

    /// Keeps bytes, at most 64 MiB, and answers their name.
    fn put_blob(&self, contents: &[u8]) -> Result<String, Error>;

    /// Reads up to `length` bytes of a blob from `offset`.
    fn blob(&self, name: &str, offset: u64, length: u32) -> Result<Vec<u8>, Error>;

    /// How many bytes a blob has.
    fn blob_size(&self, name: &str) -> Result<u64, Error>;

    /// Starts a child execution and answers its id.
    fn start_execution(&self, request: &StartRequest) -> Result<String, Error>;

    /// Waits for a child's end.
    fn wait_execution(&self, id: &str) -> Result<Outcome, Error>;
}
