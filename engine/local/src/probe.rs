//! One try of a probe: whether something has come true by now.
//!
//! How often and until when is the executor's business; it waits between the tries without holding anything.

use std::{sync::Arc, time::Duration};

use runwright_model::{
    capability::{
        Answer, CallContext, Error, Outcome, Target,
        commands::Command,
        files, http,
        waits::{Patience, Probe},
    },
    log::{Level, LogSink, Stream},
};

use crate::{Local, clock, target};

/// How long one try may take.
pub const TRY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a try may take that begins just before the time is over: what it sees is what people are told, and that
/// it was not answered within no time at all helps nobody.
const TRY_TIMEOUT_MIN: Duration = Duration::from_secs(1);

impl Local {
    /// One try: [`Answer::Done`] when it has come true, [`Error::Unavailable`] with the reason when not yet. Every
    /// other error is final: more tries would answer the same.
    pub(crate) async fn probe_once(
        &self,
        on: &Target,
        probe: &Probe,
        patience: Patience,
        context: CallContext,
    ) -> Outcome {
        target::check_local(on)?;
        let left = patience.deadline.since(clock::now());
        // One try is due even when a restart came after the deadline.
        let limit = if left.is_zero() {
            TRY_TIMEOUT
        } else {
            left.clamp(TRY_TIMEOUT_MIN, TRY_TIMEOUT)
        };
        self.probe(probe, context, limit).await?.map_err(Error::Unavailable)?;
        Ok(Answer::Done)
    }

    /// One try of at most `limit`: whether it came true, and if not, why.
    ///
    /// # Errors
    ///
    /// What makes more tries useless: a missing grant, a program that does not exist, a request that makes no sense.
    pub async fn probe(
        &self,
        probe: &Probe,
        context: CallContext,
        limit: Duration,
    ) -> Result<Result<(), String>, Error> {
        // Looking again is as good as looking once, and what is looked at is not worth a line each time.
        let context = CallContext {
            again: false,
            log: Arc::new(Silent),
            ..context
        };
        let tried = match probe {
            Probe::Tcp { host, port } => tcp(host, *port, limit).await,
            Probe::Http { url, status } => self.probe_http(url, *status, &context, limit).await,
            Probe::File { path } => self.probe_file(path, context).await,
            Probe::Command { arguments } => self.probe_command(arguments, &context, limit).await,
        };
        match tried {
            Ok(()) => Ok(Ok(())),
            Err(Error::Unavailable(reason) | Error::TimedOut(reason)) => Ok(Err(reason)),
            Err(error) => Err(error),
        }
    }

    async fn probe_http(
        &self,
        url: &str,
        status: Option<u16>,
        context: &CallContext,
        limit: Duration,
    ) -> Result<(), Error> {
        let request = http::Request {
            method: "GET".into(),
            url: url.to_owned(),
            ..Default::default()
        };
        let response = tokio::time::timeout(limit, self.http.send(request, context)).await;
        let response = response.map_err(|_| not_in_time(url, limit))??;
        let got = response.status();
        let wanted = status.map_or_else(|| got.is_success(), |wanted| got.as_u16() == wanted);
        if wanted {
            return Ok(());
        }
        let wanted = status.map_or_else(|| "2xx".to_owned(), |status| status.to_string());
        Err(Error::Unavailable(format!(
            "`{url}` answers {} and not {wanted}",
            got.as_u16()
        )))
    }

    async fn probe_file(&self, path: &str, context: CallContext) -> Result<(), Error> {
        let request = files::Request::Stat {
            on: None,
            path: path.to_owned(),
        };
        match self.files.perform(request, context).await? {
            Answer::Files(files::Answer::Stat(None)) => Err(Error::Unavailable(format!("nothing is at `{path}`"))),
            _ => Ok(()),
        }
    }

    async fn probe_command(&self, arguments: &[String], context: &CallContext, limit: Duration) -> Result<(), Error> {
        let timeout_ms = u64::try_from(limit.as_millis()).ok();
        let command = Command {
            arguments: arguments.to_vec(),
            timeout_ms,
            ..Default::default()
        };
        let ended = self.commands.run_passing(command, context).await?;
        if ended.exit_code == Some(0) {
            return Ok(());
        }
        let how = match (ended.exit_code, ended.signal) {
            (Some(code), _) => format!("ended with exit code {code}"),
            (None, Some(signal)) => format!("was ended by signal {signal}"),
            (None, None) => "ended in an unknown way".to_owned(),
        };
        let last = [&ended.stderr, &ended.stdout]
            .into_iter()
            .find_map(|text| text.trim_end().lines().last());
        let said = last
            .map(|line| format!(": {}", line.chars().take(200).collect::<String>()))
            .unwrap_or_default();
        Err(Error::Unavailable(format!("`{}` {how}{said}", arguments.join(" "))))
    }
}

async fn tcp(host: &str, port: u16, limit: Duration) -> Result<(), Error> {
    let address = format!("{host}:{port}");
    let connected = tokio::time::timeout(limit, tokio::net::TcpStream::connect((host, port))).await;
    match connected.map_err(|_| not_in_time(&address, limit))? {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::Unavailable(format!(
            "`{address}` accepts no connection: {error}"
        ))),
    }
}

fn not_in_time(what: &str, limit: Duration) -> Error {
    Error::TimedOut(format!("`{what}` did not answer within {:.1} s", limit.as_secs_f64()))
}

struct Silent;

impl LogSink for Silent {
    fn line(&self, _: Level, _: Stream, _: &str) {}
}
