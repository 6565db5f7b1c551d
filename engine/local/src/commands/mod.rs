//! Programs and scripts on this machine: `wit/commands.wit`.
//!
//! A call is checked and becomes a `process::Spec`, which starts in a session of its own; `output` keeps what
//! it writes; `run` waits for its end. A supervisor that outlives the engine can be put under `process`: then
//! a call made again attaches to what it finds, where today it answers `uncertain`.
//!
//! A grant of a program is a grant of it with any arguments and environment. The program is looked up in a fixed
//! `PATH`, whatever `PATH` the call sets, so that a grant of `systemctl` is not one of a file of that name.
//! A child that starts a session of its own (`setsid`) is not ended with the others.

mod output;
mod process;
mod run;
mod script;

use std::{path::Path, time::Duration};

use runwright_model::capability::{
    Answer, CallContext, Error, Outcome,
    commands::{self, Command, Completed, Request, SCRIPT_BYTES_MAX, STDIN_BYTES_MAX},
};

use crate::{account::Account, blobs::BlobStore, clock, fill, target};

/// The `PATH` of commands, in which programs are looked up.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Bytes of one stream that are kept as a blob; what comes after is dropped, except for the end.
pub const CAPTURE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Runs commands on this machine. Cheap to clone.
#[derive(Clone)]
pub struct Commands {
    blobs: BlobStore,
}

impl Commands {
    /// Keeps long outputs in these blobs.
    #[must_use]
    pub fn new(blobs: BlobStore) -> Self {
        Self { blobs }
    }

    pub(crate) async fn perform(&self, request: Request, context: CallContext) -> Outcome {
        let Request::Run { on, command } = request;
        target::check_local(&on)?;
        let completed = self.run(command, &context).await?;
        Ok(Answer::Commands(commands::Answer::Completed(completed)))
    }

    /// Runs a command and waits for its end.
    pub(crate) async fn run(&self, command: Command, context: &CallContext) -> Result<Completed, Error> {
        check(&command)?;
        if context.again {
            return Err(uncertain(&command));
        }
        let limit = clock::time_left(command.timeout_ms.map(Duration::from_millis), context.deadline)?;
        let account = account(command.run_as.as_deref())?;
        let script = match &command.script {
            Some(text) => {
                let text = fill::text(&context.secrets, text, "the script")?;
                Some(script::keep(&text, account.as_ref())?)
            }
            None => None,
        };
        let spec = spec(&command, context, account, script.as_deref())?;
        let stdin = match command.stdin {
            Some(bytes) => Some(fill::bytes(&context.secrets, bytes.0, "standard input")?),
            None => None,
        };
        let ended = run::to_end(spec, stdin, limit, context).await;
        drop(script);
        self.answer(ended?).await
    }

    async fn answer(&self, ended: run::Ended) -> Result<Completed, Error> {
        let (stdout, stdout_blob) = self.kept(ended.stdout).await?;
        let (stderr, stderr_blob) = self.kept(ended.stderr).await?;
        Ok(Completed {
            exit_code: ended.exit_code,
            signal: ended.signal,
            stdout,
            stderr,
            stdout_blob,
            stderr_blob,
            duration_ms: ended.duration_ms,
        })
    }

    /// The text of a stream for the answer, and the blob of the whole when it was cut.
    async fn kept(&self, capture: output::Capture) -> Result<(String, Option<String>), Error> {
        let kept = capture.finish();
        let blob = match &kept.whole {
            Some(whole) => Some(self.blobs.put(whole.as_bytes()).await?),
            None => None,
        };
        Ok((kept.shown, blob))
    }
}

/// What can be said of a command before anything is done.
fn check(command: &Command) -> Result<(), Error> {
    let Some(program) = command.arguments.first().filter(|program| !program.is_empty()) else {
        return Err(Error::Invalid("a command needs a program: `arguments` is empty".into()));
    };
    // A grant of `/opt/tools/*` would otherwise cover `/opt/tools/../../tmp/x`.
    if program.contains('/')
        && (!program.starts_with('/') || program.split('/').any(|part| part == ".." || part == "."))
    {
        return Err(Error::Invalid(format!(
            "`{program}` is neither a program's name nor an absolute path without `..`"
        )));
    }
    for argument in &command.arguments {
        fill::refuse(
            argument,
            &format!("an argument of `{program}`"),
            "pass it by standard input or in the environment",
        )?;
        no_zero(argument, &format!("an argument of `{program}`"))?;
    }
    for (name, value) in &command.environment {
        if name.is_empty() || name.contains('=') {
            return Err(Error::Invalid(format!(
                "`{name}` is no name of an environment variable"
            )));
        }
        fill::refuse(name, "the name of an environment variable", "put it into the value")?;
        no_zero(name, "the name of an environment variable")?;
        no_zero(value, &format!("the environment variable `{name}`"))?;
    }
    within(
        "command-script-bytes",
        SCRIPT_BYTES_MAX,
        command.script.as_ref().map_or(0, String::len),
    )?;
    within(
        "command-stdin-bytes",
        STDIN_BYTES_MAX,
        command.stdin.as_ref().map_or(0, |stdin| stdin.0.len()),
    )
}

fn no_zero(text: &str, what: &str) -> Result<(), Error> {
    if text.contains('\0') {
        Err(Error::Invalid(format!("{what} holds a zero byte")))
    } else {
        Ok(())
    }
}

fn within(which: &str, limit: usize, used: usize) -> Result<(), Error> {
    if used <= limit {
        return Ok(());
    }
    Err(Error::LimitExceeded {
        which: which.into(),
        limit: limit as u64,
        used: used as u64,
    })
}

fn uncertain(command: &Command) -> Error {
    Error::Uncertain(format!(
        "the engine stopped while `{}` ran on this machine: it may have run completely, in part or not at all, and its \
         output is lost. Look at what it changes (and whether it still runs: `ps -ef`), then resume or roll back",
        command.arguments.join(" ")
    ))
}

/// The account to run as; `None` for the engine's own.
fn account(run_as: Option<&str>) -> Result<Option<Account>, Error> {
    let Some(name) = run_as else { return Ok(None) };
    let account = Account::of_name(name)?;
    let own = rustix::process::geteuid().as_raw();
    if account.uid == own {
        return Ok(None);
    }
    if own != 0 {
        return Err(Error::Invalid(format!(
            "a command can run as `{name}` only if the engine runs as root, and it runs as `{}`: start it as root, or leave \
             out the user",
            crate::account::user_name(own)
        )));
    }
    Ok(Some(account))
}

fn spec(
    command: &Command,
    context: &CallContext,
    account: Option<Account>,
    script: Option<&Path>,
) -> Result<process::Spec, Error> {
    let program = process::find_program(&command.arguments[0], PATH)?;
    let folder = command.working_directory.clone().unwrap_or_else(|| "/".into());
    process::check_folder(&folder)?;
    let mut arguments = command.arguments.clone();
    arguments.extend(script.map(|path| path.to_string_lossy().into_owned()));
    let environment = environment(command, context, account.as_ref())?;
    Ok(process::Spec {
        program,
        arguments,
        environment,
        folder: folder.into(),
        account,
    })
}

/// The fixed environment, and what the call adds.
fn environment(
    command: &Command,
    context: &CallContext,
    account: Option<&Account>,
) -> Result<Vec<(String, String)>, Error> {
    let home = match account {
        Some(account) => account.home.clone(),
        None => Account::own().map_or_else(|_| "/".into(), |own| own.home),
    };
    let fixed = [
        ("PATH", PATH.to_owned()),
        ("HOME", home),
        ("LANG", "C.UTF-8".to_owned()),
        ("RUNWRIGHT_EXECUTION_ID", context.execution.to_string()),
        ("RUNWRIGHT_STEP", context.step.clone()),
        ("RUNWRIGHT_IDEMPOTENCY_KEY", context.idempotency_key.clone()),
    ];
    let mut environment: Vec<(String, String)> = fixed.map(|(name, value)| (name.to_owned(), value)).into();
    for (name, value) in &command.environment {
        let value = fill::text(&context.secrets, value, &format!("the environment variable `{name}`"))?;
        environment.push((name.clone(), value));
    }
    Ok(environment)
}
