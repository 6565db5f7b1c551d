//! Why a request got no answer, as a sentence.

use std::{io, time::Duration};

use reqwest::{Method, Url};
use runwright_client::{chain, sources};
use runwright_model::capability::Error;

/// The error of a request that was not answered.
pub(super) fn of(method: &Method, url: &Url, error: &reqwest::Error) -> Error {
    let (why, hint) = cause(error);
    if error.is_timeout() {
        return Error::TimedOut(format!("`{method} {url}` got no connection in time: {why}; {hint}"));
    }
    if error.is_builder() {
        return Error::Invalid(format!("`{method} {url}` cannot be sent: {why}"));
    }
    Error::Unavailable(format!("`{method} {url}` got no answer: {why}; {hint}"))
}

/// The error of an answer that broke off.
pub(super) fn in_body(url: &str, error: &reqwest::Error) -> Error {
    Error::Unavailable(format!("the answer of `{url}` broke off: {}", chain(error)))
}

/// The error of a request whose time was over.
pub(super) fn timed_out(method: &str, url: &str, limit: Duration) -> Error {
    Error::TimedOut(format!(
        "`{method} {url}` was not answered within {:.1} s: check the service, or allow a longer `timeout-ms`",
        limit.as_secs_f64()
    ))
}

/// What went wrong at the bottom, and what to look at.
fn cause(error: &reqwest::Error) -> (String, &'static str) {
    let text = chain(error);
    let lower = text.to_lowercase();
    let refused = sources(error).any(|source| {
        source
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    });
    if refused {
        (
            "the connection was refused".into(),
            "check that the service runs and listens on this port",
        )
    } else if lower.contains("dns error") || lower.contains("failed to lookup") {
        (
            "the host's name cannot be resolved".into(),
            "check its spelling and this machine's DNS",
        )
    } else if lower.contains("certificate") {
        (
            format!("the TLS certificate is not accepted ({})", last(error)),
            "check its name, its dates and its authority",
        )
    } else if lower.contains("tls") || lower.contains("handshake") || lower.contains("corrupt message") {
        (
            format!("TLS failed ({})", last(error)),
            "check that the service speaks TLS on this port",
        )
    } else {
        (text, "check that the service can be reached from this machine")
    }
}

fn last(error: &reqwest::Error) -> String {
    sources(error)
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string)
}
