//! `aws:sleep`: waits for a duration, or until a moment. The wait costs nothing and survives restarts.

use jiff::{
    SpanRelativeTo, Unit,
    fmt::temporal::{DateTimeParser, SpanParser},
};
use runwright_sdk::{Action, Context, Failure, Host, Impact, Manifest, schema};
use serde::{Deserialize, Serialize};

/// The action.
pub struct Sleep;

/// The longest sleep: a second less than seven days.
pub const SECONDS_MAX: u64 = 604_799;

/// The inputs of a step.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Inputs {
    /// ISO 8601 duration; xor `timestamp`.
    pub duration: Option<String>,
    /// ISO 8601 moment with a zone; xor `duration`.
    pub timestamp: Option<String>,
}

/// There are none.
#[derive(Debug, Serialize)]
pub struct Outputs {}

impl Action for Sleep {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn manifest() -> Manifest {
        Manifest::new("aws:sleep", env!("CARGO_PKG_VERSION"), "Waits for a duration, or until a moment.")
            .impact(Impact::NonMutating)
            .inputs(
                schema::object()
                    .optional(
                        "Duration",
                        schema::string("How long, as an ISO 8601 duration such as `PT10M`. At most 604,799 seconds.")
                            .pattern(r"^\s*[Pp]"),
                    )
                    .optional(
                        "Timestamp",
                        schema::string("Until when, as in `2030-01-01T01:00:00Z`. At most 604,799 seconds away; one in the past ends at once."),
                    ),
            )
            .wants("waits", "Waits.")
    }

    fn run(host: &impl Host, _: &Context, inputs: Inputs) -> Result<Outputs, Failure> {
        match (inputs.duration, inputs.timestamp) {
            (Some(duration), None) => host.sleep(duration_ms(&duration)?)?,
            (None, Some(moment)) => {
                let moment = moment_ms(&moment)?;
                check_limit("Timestamp", moment.saturating_sub(host.now()))?;
                host.sleep_until(moment)?;
            }
            (Some(_), Some(_)) => {
                return Err(Failure::invalid(
                    "inputs `Duration` and `Timestamp` are both given: use one of them",
                ));
            }
            (None, None) => return Err(Failure::invalid("input `Duration` or `Timestamp` is needed")),
        }
        Ok(Outputs {})
    }
}

fn duration_ms(text: &str) -> Result<u64, Failure> {
    let wrong = |why: &str| Failure::invalid(format!("input `Duration` is `{text}`: {why}, such as PT10M or P1DT12H"));
    let span = SpanParser::new()
        .parse_span(text.trim())
        .map_err(|_| wrong("it must be an ISO 8601 duration"))?;
    if span.is_negative() {
        return Err(wrong("it must not be negative"));
    }
    // A day has 24 hours here. Months and years differ in length, and are longer than the limit anyway.
    let millis = span
        .total((Unit::Millisecond, SpanRelativeTo::days_are_24_hours()))
        .map_err(|_| wrong("it must be a duration in days, hours, minutes and seconds"))?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative; `as` saturates"
    )]
    let millis = millis.ceil() as u64;
    check_limit("Duration", millis)?;
    Ok(millis)
}

fn moment_ms(text: &str) -> Result<u64, Failure> {
    let moment = DateTimeParser::new().parse_timestamp(text.trim()).map_err(|_| {
        Failure::invalid(format!(
            "input `Timestamp` is `{text}`: it must be a date and time with a zone, such as 2030-01-01T01:00:00Z"
        ))
    })?;
    Ok(u64::try_from(moment.as_millisecond()).unwrap_or(0))
}

fn check_limit(input: &str, millis: u64) -> Result<(), Failure> {
    if millis <= SECONDS_MAX * 1_000 {
        return Ok(());
    }
    let seconds = millis.div_ceil(1_000);
    Err(Failure::invalid(format!(
        "input `{input}` asks for {seconds} seconds: a sleep is at most {SECONDS_MAX} seconds"
    )))
}

runwright_sdk::plugin!(Sleep);

#[cfg(test)]
mod tests {
    use runwright_sdk::{
        FailureKind,
        testing::{FakeHost, check_manifest, run},
    };
    use serde_json::json;

    use super::*;

    #[test]
    fn the_manifest_is_one_the_engine_takes() {
        check_manifest::<Sleep>();
    }

    #[test]
    fn durations_of_every_spelling() {
        let table = [
            ("PT0S", 0),
            ("PT01S", 1_000),
            ("PT0.5S", 500),
            ("PT24H5M", 86_700_000),
            ("P1DT12H", 129_600_000),
            ("PT10M", 600_000),
            ("PT604799S", 604_799_000),
        ];
        for (text, millis) in table {
            let host = FakeHost::new();
            assert_eq!(run::<Sleep>(&host, json!({"Duration": text})), Ok(json!({})), "{text}");
            assert_eq!(host.now(), FakeHost::START + millis, "{text}");
        }
    }

    #[test]
    fn wrong_inputs_are_found_before_the_wait() {
        let table = [
            json!({}),
            json!({"Duration": "PT1S", "Timestamp": "2026-01-01T00:00:00Z"}),
            json!({"Duration": "10 minutes"}),
            json!({"Duration": "-PT1S"}),
            json!({"Duration": "PT604800S"}),
            json!({"Duration": "P7D"}),
            json!({"Duration": "P1M"}),
            json!({"Timestamp": "2026-01-01"}),
            json!({"Timestamp": "2026-01-08T00:00:00Z"}),
        ];
        for inputs in table {
            let host = FakeHost::new();
            assert_eq!(
                run::<Sleep>(&host, inputs.clone()).unwrap_err().kind,
                FailureKind::InvalidInput,
                "{inputs}"
            );
            assert!(host.functions().is_empty(), "{inputs}");
        }
    }

    #[test]
    fn case_27_a_moment_in_the_past_ends_at_once() {
        let host = FakeHost::new();
        run::<Sleep>(&host, json!({"Timestamp": "2021-01-01T01:00:00Z"})).unwrap();
        assert_eq!(host.now(), FakeHost::START);
        run::<Sleep>(&host, json!({"Timestamp": "2026-01-01T03:00:00+02:00"})).unwrap();
        assert_eq!(host.now(), FakeHost::START + 3_600_000);
    }

    #[test]
    fn case_28_seven_days_are_a_second_too_long() {
        let host = FakeHost::new();
        let refused = run::<Sleep>(&host, json!({"Duration": "PT168H"})).unwrap_err();
        assert_eq!(refused.kind, FailureKind::InvalidInput);
        assert!(host.functions().is_empty(), "it slept all the same");
        assert_eq!(run::<Sleep>(&host, json!({"Duration": "PT167H59M59S"})), Ok(json!({})));
    }
}
