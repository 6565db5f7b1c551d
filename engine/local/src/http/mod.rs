//! HTTP requests: `wit/http.wit`.
//!
//! HTTP/1.1, TLS by rustls with the machine's certificate authorities. No proxy is used, whatever the environment
//! says: a grant names the host that is spoken to. Redirects are followed here and not by the client, because each
//! hop must be granted; a hop to another origin loses the headers that could carry a secret.

mod fault;
mod hop;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::{
    Client, Method,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use runwright_model::{
    capability::{
        Answer, CallContext, Error, Outcome,
        http::{BODY_BYTES_MAX, Request, Response, TIMEOUT_MS_DEFAULT},
    },
    secret::{Secrets, placeholders},
};

use self::hop::{Hop, checked_address};
use crate::{clock, fill};

/// Headers that are made of the address and the body.
const OWN_HEADERS: [&str; 5] = ["host", "content-length", "transfer-encoding", "connection", "upgrade"];

/// Sends HTTP requests from this machine. Cheap to clone; connections are kept and used again.
#[derive(Clone)]
pub struct Http {
    /// Or why there is none: a machine without certificate authorities still runs commands. Made for the first request,
    /// because it reads them all.
    client: Arc<OnceLock<Result<Client, String>>>,
}

impl Http {
    /// A client with the machine's certificate authorities.
    #[must_use]
    pub fn new() -> Self {
        Self { client: Arc::default() }
    }

    fn client(&self) -> &Result<Client, String> {
        self.client.get_or_init(runwright_client::client)
    }

    pub(crate) async fn perform(&self, request: Request, context: CallContext) -> Outcome {
        if context.again && !request.is_safe() {
            return Err(uncertain(&request));
        }
        let limit = Duration::from_millis(request.timeout_ms.unwrap_or(TIMEOUT_MS_DEFAULT));
        let limit = clock::time_left(Some(limit), context.deadline)?.unwrap_or(limit);
        let (method, url) = (request.method.clone(), request.url.clone());
        let exchange = async {
            let response = self.send(request, &context).await?;
            whole(response, &url, &context.secrets).await
        };
        let answered = tokio::time::timeout(limit, exchange).await;
        answered
            .map_err(|_| fault::timed_out(&method, &url, limit))?
            .map(Answer::Http)
    }

    /// Sends a request, follows redirects, and answers before the body is read.
    pub(crate) async fn send(&self, request: Request, context: &CallContext) -> Result<reqwest::Response, Error> {
        let client = self.client().as_ref().map_err(|why| {
            Error::Unavailable(format!(
                "no HTTP request can be sent from this machine: {why}; install its CA certificates"
            ))
        })?;
        let allowed = request.redirects;
        let mut hop = first_hop(request, &context.secrets)?;
        let mut followed = 0;
        loop {
            context.grants.check_http(hop.method.as_str(), hop.url.as_str())?;
            let sent = client
                .request(hop.method.clone(), hop.url.clone())
                .headers(hop.headers.clone());
            let sent = if hop.body.is_empty() {
                sent
            } else {
                sent.body(hop.body.clone())
            };
            let response = sent
                .send()
                .await
                .map_err(|error| fault::of(&hop.method, &hop.url, &error))?;
            if allowed == 0 || !hop::is_redirect(&response) {
                return Ok(response);
            }
            if followed == allowed {
                let used = u64::from(allowed) + 1;
                return Err(Error::LimitExceeded {
                    which: "http-redirects".into(),
                    limit: u64::from(allowed),
                    used,
                });
            }
            hop = hop.after(&response)?;
            followed += 1;
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self::new()
    }
}

fn first_hop(request: Request, secrets: &Secrets) -> Result<Hop, Error> {
    fill::refuse(
        &request.url,
        "the address of a request",
        "put the secret into a header or the body",
    )?;
    let url = checked_address(&request.url)?;
    let method = Method::from_bytes(request.method.to_ascii_uppercase().as_bytes())
        .map_err(|_| Error::Invalid(format!("`{}` is no HTTP method", request.method)))?;
    let mut hop = Hop {
        method,
        url,
        headers: HeaderMap::new(),
        secret: Vec::new(),
        body: Vec::new(),
        secret_body: false,
    };
    for (name, value) in &request.headers {
        add_header(&mut hop, name, value, secrets)?;
    }
    let body = request.body.unwrap_or_default().0;
    hop.secret_body = std::str::from_utf8(&body).is_ok_and(|text| placeholders(text).next().is_some());
    hop.body = fill::bytes(secrets, body, "the body of a request")?;
    let used = hop.body.len() as u64;
    if used > BODY_BYTES_MAX {
        return Err(Error::LimitExceeded {
            which: "http-request-bytes".into(),
            limit: BODY_BYTES_MAX,
            used,
        });
    }
    Ok(hop)
}

fn add_header(hop: &mut Hop, name: &str, value: &str, secrets: &Secrets) -> Result<(), Error> {
    let parsed = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| Error::Invalid(format!("`{name}` is no name of an HTTP header")))?;
    if OWN_HEADERS.contains(&parsed.as_str()) {
        return Err(Error::Invalid(format!(
            "the header `{parsed}` follows from the address and the body: leave it out"
        )));
    }
    let filled = fill::text(secrets, value, &format!("the header `{name}`"))?;
    // The value is not shown: it may hold a secret.
    let mut header = HeaderValue::from_str(&filled).map_err(|_| {
        Error::Invalid(format!(
            "the value of the header `{name}` has characters that a header cannot have"
        ))
    })?;
    if placeholders(value).next().is_some() {
        header.set_sensitive(true);
        hop.secret.push(parsed.clone());
    }
    hop.headers.append(parsed, header);
    Ok(())
}

/// Reads the body, stopping at its limit.
async fn whole(mut response: reqwest::Response, url: &str, secrets: &Secrets) -> Result<Response, Error> {
    let exceeded = |used| Error::LimitExceeded {
        which: "http-response-bytes".into(),
        limit: BODY_BYTES_MAX,
        used,
    };
    if let Some(length) = response.content_length().filter(|length| *length > BODY_BYTES_MAX) {
        return Err(exceeded(length));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| fault::in_body(url, &error))? {
        body.extend_from_slice(&chunk);
        if body.len() as u64 > BODY_BYTES_MAX {
            return Err(exceeded(body.len() as u64));
        }
    }
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| {
        (
            name.to_string(),
            secrets.redact(&String::from_utf8_lossy(value.as_bytes())),
        )
    });
    Ok(Response {
        status: response.status().as_u16(),
        headers: headers.collect(),
        body: redacted(body, secrets).into(),
    })
}

/// A server may echo what it was sent. Bytes that are no text are left alone.
fn redacted(body: Vec<u8>, secrets: &Secrets) -> Vec<u8> {
    if secrets.is_empty() {
        return body;
    }
    match String::from_utf8(body) {
        Ok(text) => secrets.redact(&text).into_bytes(),
        Err(error) => error.into_bytes(),
    }
}

fn uncertain(request: &Request) -> Error {
    Error::Uncertain(format!(
        "the engine stopped while `{} {}` was under way: the other side may have done it or not, and the answer is lost. \
         Ask it what became of the request before sending it again",
        request.method, request.url
    ))
}
