//! Waiting for a reboot that a script asked for.
//!
//! The engine reboots no machine by itself. Where the operator says how (a command in the parameter [`HOW`]), it is run;
//! then the step waits, durably, until the machine has another boot id.

use runwright_sdk::{Command, Completed, Condition, Context, Error, Failure, Host, Level, Patience, Target};

/// Tells one boot of a Linux machine from another.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// The parameter that holds the command by which this machine is rebooted.
const HOW: &str = "/runwright/reboot";

/// The exit code by which a script asks for a reboot.
const REBOOT: i32 = 194;
/// A script that asks for the next one each time would reboot the machine for ever.
const REBOOTS_MAX: u32 = 10;

const INTERVAL_MS: u64 = 1_000;
const INTERVAL_MS_MAX: u64 = 60_000;
const YEAR_MS: u64 = 365 * 24 * 3_600 * 1_000;

/// Runs a command, and runs it again after each reboot that it asks for.
///
/// # Errors
///
/// What keeps it from running, and a reboot that cannot be waited for.
pub fn completed(
    host: &impl Host,
    context: &Context,
    command: &Command,
    refused: impl Fn(Error) -> Failure,
) -> Result<Completed, Failure> {
    let here: Target = None;
    let mut current = boot(host, &here);
    for _ in 0..=REBOOTS_MAX {
        let ended = host.run(&here, command).map_err(&refused)?;
        if ended.exit_code != Some(REBOOT) {
            return Ok(ended);
        }
        wait(host, context, &here, current.as_deref())?;
        current = boot(host, &here);
    }
    Err(Failure::failed(format!(
        "the script asked for a reboot {REBOOTS_MAX} times, and once more: it does not see that it was done"
    )))
}

/// Which boot of the machine this is; `None` where nothing says so.
fn boot(host: &impl Host, on: &Target) -> Option<String> {
    let text = String::from_utf8(host.read_file(on, BOOT_ID).ok()?).ok()?;
    let id = text.trim();
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (!id.is_empty() && id.chars().all(legal)).then(|| id.to_owned())
}

/// Waits until the machine has been rebooted since this boot.
fn wait(host: &impl Host, context: &Context, on: &Target, before: Option<&str>) -> Result<(), Failure> {
    let Some(before) = before else {
        return Err(Failure::failed(format!(
            "the script asked for a reboot, and nothing here tells one boot from another ({BOOT_ID})"
        )));
    };
    match host.parameter(HOW) {
        Ok(how) => ask(host, on, &how.value)?,
        Err(_) => host.log(
            Level::Warn,
            &format!(
                "the script asks for a reboot. Reboot this machine and start the engine again: execution {} then goes on. \
                 A command in the parameter {HOW} would have done it",
                context.execution_id
            ),
        ),
    }
    let changed = format!("test \"$(cat {BOOT_ID})\" != {before}");
    let condition = Condition::Command(vec!["/bin/sh".to_owned(), "-c".to_owned(), changed]);
    let patience = Patience {
        deadline: context.deadline.unwrap_or_else(|| host.now() + YEAR_MS),
        interval_ms: INTERVAL_MS,
        backoff_percent: 150,
        max_interval_ms: INTERVAL_MS_MAX,
    };
    host.probe(on, &condition, patience)
        .map_err(|error| Failure::from(error).while_doing("waiting for a reboot of this machine"))?;
    host.log(Level::Info, "the machine was rebooted: the script runs again");
    Ok(())
}

/// Runs the operator's command. A reboot may well end it, and the engine.
fn ask(host: &impl Host, on: &Target, how: &str) -> Result<(), Failure> {
    host.log(Level::Info, &format!("reboots this machine: {how}"));
    match host.run(on, &Command::script(how)) {
        Ok(ended) if ended.exit_code != Some(0) && ended.signal.is_none() => Err(Failure::failed(format!(
            "the command in the parameter {HOW}, which should reboot this machine, ended with {}: {}",
            ended.how(),
            ended.last_words()
        ))),
        Ok(_) | Err(Error::Uncertain(_)) => Ok(()),
        Err(error) => Err(Failure::from(error).while_doing("rebooting this machine")),
    }
}
