//! `wit/waits.wit`: waiting.

use runwright_model::capability::{Answer, Request, waits as model};

use super::types::{millis, moment};
use crate::{
    bindings::{types::Error, waits},
    state::State,
};

type Answered<T> = wasmtime::Result<Result<T, Error>>;

impl waits::Host for State {
    async fn sleep(&mut self, duration_ms: u64) -> Answered<()> {
        self.order(Request::Waits(model::Request::Sleep { duration_ms })).await
    }

    async fn sleep_until(&mut self, until: u64) -> Answered<()> {
        self.order(Request::Waits(model::Request::SleepUntil { moment: moment(until) }))
            .await
    }

    async fn signal(&mut self, name: String, deadline: Option<u64>) -> Answered<waits::Received> {
        let deadline = deadline.map(moment);
        self.ask(
            Request::Waits(model::Request::Signal { name, deadline }),
            |answer| match answer {
                Answer::Waits(model::Answer::Signal(model::Signal { by, at, payload })) => Some(waits::Received {
                    by,
                    at: millis(at),
                    payload: payload.to_string(),
                }),
                _ => None,
            },
        )
        .await
    }

    async fn probe(
        &mut self,
        on: Option<String>,
        condition: waits::Condition,
        patience: waits::Patience,
    ) -> Answered<waits::Probed> {
        let probe = match condition {
            waits::Condition::Tcp((host, port)) => model::Probe::Tcp { host, port },
            waits::Condition::Http((url, status)) => model::Probe::Http { url, status },
            waits::Condition::File(path) => model::Probe::File { path },
            waits::Condition::Command(arguments) => model::Probe::Command { arguments },
        };
        let patience = model::Patience {
            deadline: moment(patience.deadline),
            interval_ms: patience.interval_ms,
            backoff_percent: patience.backoff_percent,
            max_interval_ms: patience.max_interval_ms,
        };
        self.ask(
            Request::Waits(model::Request::Probe { on, probe, patience }),
            |answer| match answer {
                Answer::Waits(model::Answer::Probed { probes, waited_ms }) => Some(waits::Probed { probes, waited_ms }),
                _ => None,
            },
        )
        .await
    }
}
