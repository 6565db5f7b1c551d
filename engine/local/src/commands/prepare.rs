//! Checking a call, and making it a job.

use std::{path::Path, time::Duration};

use runwright_model::capability::{
    CallContext, Error,
    commands::{Command, SCRIPT_BYTES_MAX, STDIN_BYTES_MAX},
};

use super::{PATH, job::Job, process};
use crate::{account::Account, clock, fill};

/// The job of a call whose record is in this folder.
pub(super) fn job(folder: &Path, command: &Command, context: &CallContext) -> Result<Job, Error> {
    let limit = clock::time_left(command.timeout_ms.map(Duration::from_millis), context.deadline)?;
    let secrets = &context.secrets;
    let script = command
        .script
        .as_deref()
        .map(|text| fill::text(secrets, text, "the script"));
    let stdin = command
        .stdin
        .clone()
        .map(|bytes| fill::bytes(secrets, bytes.0, "standard input"));
    Ok(Job {
        key: context.idempotency_key.clone(),
        execution: context.execution.clone(),
        step: context.step.clone(),
        folder: folder.to_path_buf(),
        spec: spec(command, context)?,
        script: script.transpose()?,
        stdin: stdin.transpose()?.map(Into::into),
        limit_ms: limit.map(|limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)),
        secrets: secrets
            .iter()
            .map(|(placeholder, value)| (placeholder.to_owned(), value.to_owned()))
            .collect(),
    })
}

/// What can be said of a command before anything is done.
pub(super) fn check(command: &Command) -> Result<(), Error> {
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

fn spec(command: &Command, context: &CallContext) -> Result<process::Spec, Error> {
    let account = account(command.run_as.as_deref())?;
    let program = process::find_program(&command.arguments[0], PATH)?;
    let folder = command.working_directory.clone().unwrap_or_else(|| "/".into());
    process::check_folder(&folder)?;
    Ok(process::Spec {
        program,
        arguments: command.arguments.clone(),
        environment: environment(command, context, account.as_ref())?,
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
