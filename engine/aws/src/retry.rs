//! When a request is sent again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use runwright_model::{
    capability::{
        Error,
        aws::{Request, Response},
    },
    time::Timestamp,
};

/// How often a request is sent at most while its service asks for patience.
pub(crate) const ATTEMPTS_MAX: u32 = 8;
/// How often one is sent that got no answer, or one that says that the service failed, if it only reads.
const TRANSIENT_ATTEMPTS_MAX: u32 = 3;
/// The longest first pause; each may be twice as long as the one before.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(20);

/// Error codes by which services ask for patience. Nothing was done then.
const THROTTLED: [&str; 14] = [
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
    "Client.RequestLimitExceeded",
];

/// How long to wait before the request is sent again; `None` when its answer counts.
pub(crate) fn pause(attempt: u32, request: &Request, answered: &Result<Response, Error>) -> Option<Duration> {
    let most = match answered {
        Ok(response) if is_throttled(response) => ATTEMPTS_MAX,
        Ok(response) if response.status >= 500 && request.only_reads() => TRANSIENT_ATTEMPTS_MAX,
        Err(Error::Unavailable(_)) if request.only_reads() => TRANSIENT_ATTEMPTS_MAX,
        Ok(_) | Err(_) => 1,
    };
    (attempt < most).then(|| backoff(attempt))
}

/// The pause after this attempt, counted from one.
pub(crate) fn backoff(attempt: u32) -> Duration {
    let longest = PAUSE_FIRST
        .saturating_mul(2_u32.saturating_pow(attempt - 1))
        .min(PAUSE_MAX);
    longest.mul_f64(fastrand::f64())
}

/// Whether a service asks for patience by this error code.
pub(crate) fn is_throttling(code: &str) -> bool {
    THROTTLED.contains(&code)
}

fn is_throttled(response: &Response) -> bool {
    match response.status {
        429 => true,
        400..=503 => code(response).is_some_and(|code| is_throttling(&code)),
        _ => false,
    }
}

/// The error's code, wherever the service's protocol has it.
fn code(response: &Response) -> Option<String> {
    let header = response
        .headers
        .iter()
        .find(|(name, _)| name == "x-amzn-errortype" || name == "x-amzn-query-error");
    if let Some((_, value)) = header {
        return value
            .split([':', ';'])
            .next()
            .map(|code| code.rsplit('#').next().unwrap_or(code).to_owned());
    }
    let text = String::from_utf8_lossy(&response.body.0);
    let xml = crate::roles::element(&text, "Code").map(str::to_owned);
    xml.or_else(|| {
        let (_, rest) = text.split_once("\"__type\"").or_else(|| text.split_once("\"code\""))?;
        let value = rest.split('"').nth(1)?;
        Some(value.rsplit('#').next().unwrap_or(value).to_owned())
    })
}

/// The shorter of a limit and what is left until a deadline.
///
/// # Errors
///
/// `TimedOut` when the deadline has passed.
pub(crate) fn time_left(limit: Duration, deadline: Option<Timestamp>) -> Result<Duration, Error> {
    let Some(deadline) = deadline else { return Ok(limit) };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis();
    let left = deadline.since(Timestamp::from_millis(i64::try_from(now).unwrap_or(i64::MAX)));
    if left.is_zero() {
        return Err(Error::TimedOut(format!(
            "the step's time was over ({deadline}) before this began: nothing was sent"
        )));
    }
    Ok(limit.min(left))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        Response {
            status,
            headers: headers
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
            body: body.as_bytes().to_vec().into(),
        }
    }

    #[test]
    fn every_protocol_can_ask_for_patience() {
        let xml = "<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></Response>";
        assert!(is_throttled(&response(503, &[], xml)));
        assert!(is_throttled(&response(
            400,
            &[],
            "{\"__type\":\"com.amazon#ThrottlingException\"}"
        )));
        assert!(is_throttled(&response(
            400,
            &[("x-amzn-errortype", "TooManyRequestsException:http://x")],
            ""
        )));
        assert!(is_throttled(&response(429, &[], "")));
        assert!(!is_throttled(&response(
            400,
            &[],
            "<Code>InvalidInstanceID.NotFound</Code>"
        )));
        assert!(!is_throttled(&response(200, &[], "<Code>SlowDown</Code>")));
    }

    #[test]
    fn what_changes_something_is_not_sent_again_after_a_failure() {
        let read = Request {
            method: "GET".into(),
            path: "/x".into(),
            ..Request::default()
        };
        let write = Request {
            method: "PUT".into(),
            ..read.clone()
        };
        let failed = Ok(response(500, &[], ""));
        assert!(pause(1, &read, &failed).is_some());
        assert!(pause(3, &read, &failed).is_none());
        assert!(pause(1, &write, &failed).is_none());
        assert!(pause(7, &write, &Ok(response(429, &[], ""))).is_some());
        assert!(pause(8, &write, &Ok(response(429, &[], ""))).is_none());
    }
}
