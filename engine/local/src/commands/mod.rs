//! Programs and scripts on this machine: `wit/commands.wit`.
//!
//! A call is checked and becomes a `job`. A `supervisor`, started by `launch`, begins it under a `record` that outlives
//! the engine; `attach` follows the record, whether this engine started the command, another one did that was killed,
//! or it has ended long since. `output` cuts what was written for the answer.
//!
//! A grant of a program is a grant of it with any arguments and environment. The program is looked up in a fixed
//! `PATH`, whatever `PATH` the call sets, so that a grant of `systemctl` is not one of a file of that name.

mod attach;
mod job;
mod launch;
mod orphan;
mod output;
mod prepare;
mod process;
mod record;
mod supervisor;

use std::{fs::File, io, path::PathBuf, sync::Arc, time::Duration};

use runwright_model::{
    capability::{
        Answer, CallContext, Error, Outcome,
        commands::{self, Command, Completed, Request},
    },
    log::{Level, Stream},
};
use runwright_store::Store;
use serde_json::{Map, Value};
use tokio::{io::AsyncWriteExt as _, net::UnixStream};

pub use self::launch::{Launcher, SUPERVISE, supervise_if_asked};
use self::{
    attach::{Followed, Known},
    job::{Begun, End, How},
    output::Capture,
    record::{Claim, Record, Records},
};
use crate::{blobs::BlobStore, target};

/// The `PATH` of commands, in which programs are looked up.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Bytes of one stream that are kept; what comes after is dropped, except for the end.
pub const CAPTURE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long a command has between the request to end and its end.
pub const GRACE: Duration = Duration::from_secs(5);
/// Free bytes of the disk below which no command starts and no more output is kept: the journal needs them.
pub const DISK_FREE_MIN: u64 = 128 * 1024 * 1024;

/// Runs commands on this machine. Cheap to clone.
#[derive(Clone)]
pub struct Commands {
    blobs: BlobStore,
    records: Arc<Records>,
    launcher: Option<Arc<Launcher>>,
}

impl Commands {
    /// Keeps long outputs in these blobs. Commands run under threads of this process: when it is killed, nobody knows
    /// what became of them.
    #[must_use]
    pub fn new(blobs: BlobStore) -> Self {
        Self {
            blobs,
            records: Arc::new(Records::temporary()),
            launcher: None,
        }
    }

    /// Starts a supervisor process for each command, with its record in this folder, so that it outlives the engine.
    #[must_use]
    pub fn supervised(self, launcher: Launcher, records: PathBuf) -> Self {
        Self {
            records: Arc::new(Records::Lasting(records)),
            launcher: Some(Arc::new(launcher)),
            blobs: self.blobs,
        }
    }

    pub(crate) async fn perform(&self, request: Request, context: CallContext) -> Outcome {
        let (on, command) = match request {
            Request::Run { on, command } => (on, command),
            Request::RunDocument { request } => return Err(no_account(&request)),
        };
        target::check_local(&on)?;
        let completed = self.run(command, &context).await?;
        Ok(Answer::Commands(commands::Answer::Completed(completed)))
    }

    /// Runs a command of which nothing needs to be known after a crash.
    pub(crate) async fn run_passing(&self, command: Command, context: &CallContext) -> Result<Completed, Error> {
        let context = CallContext {
            again: false,
            ..context.clone()
        };
        // The record is gone when this returns.
        Self::new(self.blobs.clone()).run(command, &context).await
    }

    /// Whether commands go on when the engine ends, and are found again.
    pub(crate) fn survive(&self) -> bool {
        self.records.are_lasting()
    }

    /// Ends the command of a call, if it runs, with everything that it started.
    pub(crate) async fn stop(&self, key: &str) {
        let stop = async {
            let record = self.records.of(key)?;
            match attach::call(&record).await? {
                Some(line) => attach::stop(line).await,
                None => orphan::end(&record).await?,
            }
            io::Result::Ok(())
        };
        // There is no record, or nothing of it can be used: then there is nothing to end either.
        let _ = stop.await;
    }

    /// Forgets the command of a call whose answer is durable.
    pub(crate) async fn settled(&self, key: &str) {
        if let Ok(record) = self.records.of(key) {
            remove(record).await;
        }
    }

    /// Forgets all commands of executions that are over or are not in the store, and those that never began.
    pub(crate) async fn sweep(&self, store: &dyn Store) {
        for record in self.records.all().unwrap_or_default() {
            let over = match record.read::<Begun>(record::BEGUN) {
                Ok(Some(begun)) => match store.head(&begun.execution).await {
                    Ok(head) => head.is_none_or(|head| head.summary.status.is_final()),
                    Err(_) => false,
                },
                Ok(None) => true,
                Err(_) => false,
            };
            if over {
                remove(record).await;
            }
        }
    }

    /// Runs a command and waits for its end, or finds it by its key.
    async fn run(&self, command: Command, context: &CallContext) -> Result<Completed, Error> {
        prepare::check(&command)?;
        let folder_failed = |why: io::Error| no_record(&command, &why);
        let record = self.records.of(&context.idempotency_key).map_err(folder_failed)?;
        loop {
            let claiming = record.clone();
            let claimed = tokio::task::spawn_blocking(move || claiming.claim()).await;
            let followed = match claimed.map_err(io::Error::from).flatten().map_err(folder_failed)? {
                Claim::Mine(lock) => self.begin(&record, lock, &command, context).await?,
                Claim::Held => {
                    note(
                        context,
                        "the command runs: attached to it, and its output follows from its beginning",
                    );
                    let line = attach::call(&record).await.map_err(folder_failed)?;
                    self.follow(&record, line, context).await?
                }
                Claim::Over => {
                    note(context, "the command has ended: its output follows from its beginning");
                    self.follow(&record, None, context).await?
                }
            };
            match followed.known {
                // Whoever was about to start it is gone, and it can be started now.
                Known::Nothing(_) => {}
                Known::Open(begun, process) => {
                    let (stdout, stderr) = (&followed.stdout, &followed.stderr);
                    return Err(orphan::uncertain(&begun, process.as_ref(), stdout, stderr));
                }
                Known::Ended(end) => return self.answer(&command, end, followed.stdout, followed.stderr).await,
            }
        }
    }

    /// Starts a command whose record is held, and follows it.
    async fn begin(
        &self,
        record: &Record,
        lock: File,
        command: &Command,
        context: &CallContext,
    ) -> Result<Followed, Error> {
        let job = if context.again && !self.records.are_lasting() {
            Err(lost(command))
        } else {
            prepare::job(&record.folder, command, context)
        };
        let job = match job {
            Ok(job) => job.to_bytes(),
            Err(error) => {
                // Should it stay, it is one that never began.
                let _ = record.remove_locked(lock);
                return Err(error);
            }
        };
        let started = record
            .listen()
            .and_then(|listener| launch::start(self.launcher.as_deref(), lock, listener));
        let line = started.and_then(|line| {
            line.set_nonblocking(true)?;
            UnixStream::from_std(line)
        });
        let mut line = line.map_err(|why| self.not_supervised(command, &why.to_string()))?;
        // A supervisor that ended meanwhile says why, or is found to have begun nothing.
        let _ = line.write_all(&job).await;
        let followed = self.follow(record, Some(line), context).await?;
        match followed.known {
            Known::Nothing(Some(error)) => Err(error),
            Known::Nothing(None) => Err(self.not_supervised(command, "it ended before it began the command")),
            Known::Ended(_) | Known::Open(..) => Ok(followed),
        }
    }

    async fn follow(
        &self,
        record: &Record,
        line: Option<UnixStream>,
        context: &CallContext,
    ) -> Result<Followed, Error> {
        let followed = attach::follow(record, line, context.log.clone()).await;
        followed.map_err(|why| {
            Error::Uncertain(format!(
                "the command was started, and its record in {} cannot be read: {why}. Look at what it changes, then resume \
                 or roll back",
                record.folder.display()
            ))
        })
    }

    async fn answer(&self, command: &Command, end: End, stdout: Capture, stderr: Capture) -> Result<Completed, Error> {
        let (exit_code, signal) = match end.how {
            How::Exited(code) => (Some(code), None),
            How::Signalled(signal) => (None, Some(signal)),
            How::NotStarted(error) => return Err(error),
            How::TimedOut => {
                let why = "because its time was over";
                return Err(Error::TimedOut(ended_by_us(command, &end, why, &stdout, &stderr)));
            }
            How::Stopped => {
                let why = "because that was asked for: it was stopped in the middle of its work";
                return Err(Error::Uncertain(ended_by_us(command, &end, why, &stdout, &stderr)));
            }
        };
        let (stdout, stdout_blob) = self.kept(stdout).await?;
        let (stderr, stderr_blob) = self.kept(stderr).await?;
        Ok(Completed {
            exit_code,
            signal,
            stdout,
            stderr,
            stdout_blob,
            stderr_blob,
            duration_ms: end.duration_ms,
        })
    }

    /// The text of a stream for the answer, and the blob of the whole when it was cut.
    async fn kept(&self, capture: Capture) -> Result<(String, Option<String>), Error> {
        let kept = capture.finish();
        let blob = match &kept.whole {
            Some(whole) => Some(self.blobs.put(whole.as_bytes()).await?),
            None => None,
        };
        Ok((kept.shown, blob))
    }

    fn not_supervised(&self, command: &Command, why: &str) -> Error {
        let program = self.launcher.as_ref().map_or_else(
            || "a thread".to_owned(),
            |launcher| format!("`{}`", launcher.program.display()),
        );
        Error::Unavailable(format!(
            "the supervisor of `{}` ({program}) could not be started: {why}; the command was not started",
            command.arguments.join(" ")
        ))
    }
}

/// An engine with an account has a backend of its own for documents of Systems Manager.
fn no_account(request: &Map<String, Value>) -> Error {
    let name = request.get("DocumentName").and_then(Value::as_str).unwrap_or_default();
    Error::Unavailable(format!(
        "{name} was not sent to managed nodes: this engine has no access to AWS; start it with `--aws`, and with \
         credentials as the AWS CLI finds them, or name the target `local`"
    ))
}

/// Removes a record that nobody holds. What stays is swept when the engine is opened the next time.
async fn remove(record: Record) {
    let _ = tokio::task::spawn_blocking(move || record.remove()).await;
}

fn note(context: &CallContext, text: &str) {
    context.log.line(Level::Info, Stream::Log, text);
}

fn no_record(command: &Command, why: &io::Error) -> Error {
    Error::Unavailable(format!(
        "`{}` was not started by this call, because its record cannot be made or read: {why}. Mend the folder of the \
         records in the state directory, or make room",
        command.arguments.join(" ")
    ))
}

/// What is said of a command of which there can be no record.
fn lost(command: &Command) -> Error {
    Error::Uncertain(format!(
        "the engine stopped while `{}` ran on this machine, and commands ran without supervisors: it may have run \
         completely, in part or not at all, and its output is lost. Look at what it changes (and whether it still runs: \
         `ps -ef`), then resume or roll back",
        command.arguments.join(" ")
    ))
}

fn ended_by_us(command: &Command, end: &End, why: &str, stdout: &Capture, stderr: &Capture) -> String {
    let left = if end.unkilled.is_empty() {
        String::new()
    } else {
        format!("; these processes could not be killed and are left: {:?}", end.unkilled)
    };
    #[expect(clippy::cast_precision_loss, reason = "tenths of a second are shown")]
    let seconds = end.duration_ms as f64 / 1_000.0;
    format!(
        "`{}` was ended with all its children after {seconds:.1} s, {why}{left}{}",
        command.arguments[0],
        orphan::said(stdout, stderr)
    )
}
