//! `rw:httpRequest`: sends an HTTP request, and undoes it with another.

mod answer;

use std::collections::BTreeMap;

use runwright_sdk::{
    Action, Call, Context, Done, Failure, FailureKind, Host, Impact, Level, Manifest, Request,
    schema::{self, Schema},
};
use serde::Deserialize;
use serde_json::{Value, json};

pub use answer::Outputs;

/// The action.
pub struct HttpRequest;

const REDIRECTS_DEFAULT: u32 = 5;

/// The inputs of a step.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Inputs {
    #[serde(flatten)]
    asked: Asked,
    rollback: Option<Asked>,
}

/// One request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Asked {
    method: Option<String>,
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<Value>,
    timeout_seconds: Option<f64>,
    expect_status: Option<Vec<String>>,
    redirects: Option<u32>,
}

impl Action for HttpRequest {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn manifest() -> Manifest {
        let inputs = asked_schema().optional(
            "Rollback",
            asked_schema().describe(
                "The request that undoes this one. Without it a rollback leaves what the request did as it is, and says so.",
            ),
        );
        Manifest::new(
            "rw:httpRequest",
            env!("CARGO_PKG_VERSION"),
            "Sends an HTTP request, and fails unless the answer has a status that is expected.",
        )
        .impact(Impact::Undetermined)
        .inputs(inputs)
        .outputs(answer::schema())
        .wants("http", "Sends the request, and the one that undoes it.")
        .wants("blobs", "Keeps an answer that is too long for an output.")
        .undoes()
    }

    fn run(host: &impl Host, _: &Context, inputs: Inputs) -> Result<Outputs, Failure> {
        answer::read(host, &inputs.asked.send(host)?)
    }

    fn rollback(host: &impl Host, _: &Context, inputs: Inputs, done: &Done) -> Result<(), Failure> {
        if !done.calls_of("http.send").any(Call::may_have_happened) {
            return Ok(());
        }
        let Some(undo) = inputs.rollback else {
            if !inputs.asked.is_safe() {
                host.log(Level::Warn, "nothing undone: the step has no input `Rollback`");
            }
            return Ok(());
        };
        undo.send(host)
            .map(drop)
            .map_err(|failure| failure.while_doing("rollback"))
    }
}

impl Asked {
    fn method(&self) -> String {
        self.method.as_deref().unwrap_or("GET").to_ascii_uppercase()
    }

    fn is_safe(&self) -> bool {
        ["GET", "HEAD", "OPTIONS"].contains(&self.method().as_str())
    }

    /// Sends it, and checks the status.
    fn send(self, host: &impl Host) -> Result<runwright_sdk::Response, Failure> {
        let expected = Expected::parse(self.expect_status.as_deref())?;
        let request = self.into_request()?;
        let what = format!("{} {}", request.method, request.url);
        let response = host
            .send(&request)
            .map_err(|error| Failure::from(error).while_doing(&what))?;
        if expected.holds(response.status) {
            return Ok(response);
        }
        let kind = if response.status == 429 {
            FailureKind::Throttled
        } else {
            FailureKind::Failed
        };
        let start: String = String::from_utf8_lossy(&response.body)
            .trim()
            .chars()
            .take(500)
            .collect();
        let separator = if start.is_empty() { "" } else { ": " };
        let message = format!(
            "{what} answered {}, expected {expected}{separator}{start}",
            response.status
        );
        Err(Failure::new(kind, message).with_details(&json!({"StatusCode": response.status, "Body": start})))
    }

    fn into_request(self) -> Result<Request, Failure> {
        let method = self.method();
        let mut headers: Vec<(String, String)> = self.headers.into_iter().collect();
        let body = match self.body {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.into_bytes()),
            Some(json) => {
                if !headers
                    .iter()
                    .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
                {
                    headers.push(("content-type".to_owned(), "application/json".to_owned()));
                }
                Some(json.to_string().into_bytes())
            }
        };
        let timeout_ms = self.timeout_seconds.map(millis).transpose()?;
        let redirects = self.redirects.unwrap_or(REDIRECTS_DEFAULT);
        Ok(Request {
            method,
            url: self.url,
            headers,
            body,
            timeout_ms,
            redirects,
        })
    }
}

/// Statuses and classes of statuses.
struct Expected(Vec<String>);

impl Expected {
    fn parse(given: Option<&[String]>) -> Result<Self, Failure> {
        let Some(given) = given.filter(|given| !given.is_empty()) else {
            return Ok(Self(vec!["2xx".to_owned()]));
        };
        let all: Vec<String> = given.iter().map(|one| one.trim().to_ascii_lowercase()).collect();
        let is_known = |one: &String| {
            let class =
                one.len() == 3 && one.ends_with("xx") && ('1'..='5').contains(&one.chars().next().unwrap_or('0'));
            class || one.parse::<u16>().is_ok_and(|status| (100..600).contains(&status))
        };
        match all.iter().find(|one| !is_known(one)) {
            Some(wrong) => Err(Failure::invalid(format!(
                "input `ExpectStatus` has `{wrong}`: it must be a status such as 204, or a class such as 2xx"
            ))),
            None => Ok(Self(all)),
        }
    }

    fn holds(&self, status: u16) -> bool {
        let (status, class) = (status.to_string(), format!("{}xx", status / 100));
        self.0.iter().any(|one| *one == status || *one == class)
    }
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join(" or "))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be in the range"
)]
fn millis(seconds: f64) -> Result<u64, Failure> {
    if seconds > 0.0 && seconds <= 86_400.0 {
        Ok((seconds * 1_000.0).ceil() as u64)
    } else {
        Err(Failure::invalid(format!(
            "input `TimeoutSeconds` is {seconds}: it must be more than 0 and at most a day"
        )))
    }
}

fn asked_schema() -> Schema {
    schema::object()
        .optional(
            "Method",
            schema::string("GET, POST, PUT, PATCH, DELETE and so on.").default("GET"),
        )
        .required("Url", schema::string("An absolute http or https address.").at_least(1))
        .optional(
            "Headers",
            schema::map("Headers. Values may hold secrets.", schema::string("A value.")),
        )
        .optional(
            "Body",
            schema::any("The body: a text as it is; any other value as JSON. May hold secrets."),
        )
        .optional(
            "TimeoutSeconds",
            schema::number("How long to wait for the whole answer.").default(30),
        )
        .optional(
            "ExpectStatus",
            schema::list(
                "The statuses that are success: numbers, or classes such as `2xx`.",
                schema::string("A status or a class."),
            )
            .default(json!(["2xx"])),
        )
        .optional(
            "Redirects",
            schema::integer("How many redirects to follow.")
                .at_most(20)
                .default(REDIRECTS_DEFAULT),
        )
}

runwright_sdk::plugin!(HttpRequest);

#[cfg(test)]
mod tests {
    use runwright_sdk::{
        Error,
        testing::{FakeHost, check_manifest, rollback, run},
    };

    use super::*;

    #[test]
    fn the_manifest_is_one_the_engine_takes() {
        check_manifest::<HttpRequest>();
    }

    #[test]
    fn a_json_body_says_what_it_is() {
        let host = FakeHost::new().on_request(|request| {
            assert_eq!(request.method, "POST");
            assert_eq!(
                request.headers,
                [("content-type".to_owned(), "application/json".to_owned())]
            );
            assert_eq!(request.body.as_deref(), Some(br#"{"a":1}"#.as_slice()));
            assert_eq!((request.timeout_ms, request.redirects), (Some(2_500), 5));
            Ok(FakeHost::respond(
                201,
                "application/json; charset=utf-8",
                r#"{"id": 7}"#,
            ))
        });
        let inputs = json!({"Method": "post", "Url": "http://x/", "Body": {"a": 1}, "TimeoutSeconds": 2.5});
        let outputs = run::<HttpRequest>(&host, inputs).unwrap();
        assert_eq!(outputs["StatusCode"], 201);
        assert_eq!(outputs["Json"]["id"], 7);
        assert_eq!(outputs["Headers"]["content-type"], "application/json; charset=utf-8");
    }

    #[test]
    fn an_unexpected_status_fails() {
        let answer = |_: &Request| Ok(FakeHost::respond(503, "text/plain", "busy\n"));
        let host = FakeHost::new().on_request(answer);
        let failure = run::<HttpRequest>(&host, json!({"Url": "http://x/"})).unwrap_err();
        assert_eq!(failure.message, "GET http://x/ answered 503, expected 2xx: busy");
        let host = FakeHost::new().on_request(answer);
        assert!(run::<HttpRequest>(&host, json!({"Url": "http://x/", "ExpectStatus": ["404", "5XX"]})).is_ok());
        let host = FakeHost::new();
        let failure = run::<HttpRequest>(&host, json!({"Url": "http://x/", "ExpectStatus": ["fine"]})).unwrap_err();
        assert_eq!(failure.kind, FailureKind::InvalidInput);
    }

    #[test]
    fn rollback_sends_its_request_when_something_may_have_happened() {
        let inputs =
            json!({"Method": "PUT", "Url": "http://x/lamp", "Rollback": {"Method": "DELETE", "Url": "http://x/lamp"}});
        let host = FakeHost::new().on_request(|request| {
            Ok(FakeHost::respond(
                if request.method == "PUT" { 500 } else { 204 },
                "text/plain",
                "",
            ))
        });
        run::<HttpRequest>(&host, inputs.clone()).unwrap_err();
        rollback::<HttpRequest>(&host, inputs.clone(), &host.done(None)).unwrap();
        assert_eq!(host.functions(), ["http.send", "http.send"]);

        let host = FakeHost::new().refuse("http.send", Error::Invalid("no such scheme".into()));
        run::<HttpRequest>(&host, inputs.clone()).unwrap_err();
        rollback::<HttpRequest>(&host, inputs, &host.done(None)).unwrap();
        assert_eq!(host.functions(), ["http.send"]);
    }
}
