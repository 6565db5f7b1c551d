//! The protocol of registries (OCI distribution), as far as components need it.
//!
//! Every answer is bounded in bytes and in time, since a registry may be anybody. Credentials go to the registry that they
//! are for, and to the token server that it names; to no other host, and nowhere without TLS but on this machine and where
//! the operator says so.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use reqwest::{
    Client, Method, RequestBuilder, Response, StatusCode, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, LOCATION, WWW_AUTHENTICATE},
};
use runwright_model::digest::Digest;
use serde::Deserialize;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::{
    Error, Reference,
    artifact::{Artifact, INDEX, MANIFEST},
    challenge::Challenge,
    credentials::Credentials,
    layout::MANIFEST_BYTES,
    reference::is_loopback,
};

/// How long a registry may be silent.
const SILENCE: Duration = Duration::from_secs(30);
/// How long one request may take as a whole: a registry that sends a byte now and then does not hold anybody for ever.
const WHOLE: Duration = Duration::from_secs(600);
/// Registries send blobs from elsewhere; from so many elsewheres one after another.
const HOPS_MAX: usize = 5;
/// The most bytes that are read of an error, and of a token.
const ERROR_BYTES: u64 = 16 * 1024;
const TOKEN_BYTES: u64 = 256 * 1024;
/// The most characters of a registry's own words that are shown.
const WORDS_MAX: usize = 300;

/// Asks registries. One for a process: it keeps tokens.
#[derive(Debug)]
pub(crate) struct Wire {
    client: Client,
    plain: Vec<String>,
    credentials: Credentials,
    /// By host, repository and whether it may push.
    tokens: Mutex<HashMap<(String, bool), Zeroizing<String>>>,
}

/// What is sent besides the address.
#[derive(Clone, Default)]
struct Parcel {
    headers: HeaderMap,
    body: Option<Bytes>,
    pushes: bool,
}

#[derive(Deserialize)]
struct Token {
    #[serde(alias = "access_token")]
    token: String,
}

impl Wire {
    /// `plain` are the hosts that may be asked without TLS, beside this machine.
    pub(crate) fn new(plain: Vec<String>, credentials: Credentials) -> Result<Self, Error> {
        let client = runwright_client::client().map_err(|why| Error::Unreachable {
            host: "(any)".to_owned(),
            why,
        })?;
        Ok(Self {
            client,
            plain,
            credentials,
            tokens: Mutex::default(),
        })
    }

    /// The bytes of a manifest; `None` when there is none. They are those of the digest, if the reference has one.
    pub(crate) async fn manifest(&self, reference: &Reference) -> Result<Option<Bytes>, Error> {
        let mut parcel = Parcel::default();
        let accepted = format!("{MANIFEST}, {INDEX}, application/vnd.docker.distribution.manifest.v2+json");
        parcel.headers.insert(ACCEPT, accepted.parse().expect("it is ASCII"));
        let url = self.url(reference, &format!("manifests/{}", reference.version()))?;
        let response = self.send(reference, Method::GET, url, &parcel).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let response = self.good(reference, response, "read").await?;
        let what = format!("the manifest of {reference}");
        let bytes = self
            .body(reference, response, "manifest-bytes", MANIFEST_BYTES, &what)
            .await?;
        match reference.manifest() {
            Some(wanted) => checked(bytes, wanted, &what).map(Some),
            None => Ok(Some(bytes)),
        }
    }

    /// The bytes of a blob, which are those of its digest.
    pub(crate) async fn blob(&self, reference: &Reference, digest: &Digest, most: u64) -> Result<Bytes, Error> {
        let url = self.url(reference, &format!("blobs/{digest}"))?;
        let response = self.send(reference, Method::GET, url, &Parcel::default()).await?;
        let response = self.good(reference, response, "read").await?;
        let what = format!("the component {reference}");
        let bytes = self.body(reference, response, "component-bytes", most, &what).await?;
        checked(bytes, *digest, &what)
    }

    /// Puts an artifact there under the reference.
    pub(crate) async fn push(&self, reference: &Reference, artifact: &Artifact) -> Result<(), Error> {
        for blob in &artifact.blobs {
            self.push_blob(reference, blob).await?;
        }
        let mut parcel = Parcel {
            body: Some(artifact.manifest.clone()),
            pushes: true,
            ..Parcel::default()
        };
        parcel
            .headers
            .insert(CONTENT_TYPE, MANIFEST.parse().expect("it is ASCII"));
        let url = self.url(reference, &format!("manifests/{}", reference.version()))?;
        let response = self.send(reference, Method::PUT, url, &parcel).await?;
        self.good(reference, response, "push").await.map(drop)
    }

    async fn push_blob(&self, reference: &Reference, blob: &Bytes) -> Result<(), Error> {
        let digest = Digest::of(blob);
        let mut parcel = Parcel {
            pushes: true,
            ..Parcel::default()
        };
        let there = self.url(reference, &format!("blobs/{digest}"))?;
        let found = self.send(reference, Method::HEAD, there, &parcel).await?;
        if found.status().is_success() {
            return Ok(());
        }
        let begin = self.url(reference, "blobs/uploads/")?;
        let base = begin.clone();
        parcel.body = Some(Bytes::new());
        let begun = self.send(reference, Method::POST, begin, &parcel).await?;
        let begun = self.good(reference, begun, "push").await?;
        let place = begun.headers().get(LOCATION).and_then(|place| place.to_str().ok());
        let mut place = place
            .and_then(|place| base.join(place).ok())
            .ok_or_else(|| garbage(reference, "it began an upload and did not say where it goes on"))?;
        self.check_tls(&place)?;
        place.query_pairs_mut().append_pair("digest", &digest.to_string());
        parcel.body = Some(blob.clone());
        parcel
            .headers
            .insert(CONTENT_TYPE, "application/octet-stream".parse().expect("it is ASCII"));
        let response = self.send(reference, Method::PUT, place, &parcel).await?;
        self.good(reference, response, "push").await.map(drop)
    }

    fn url(&self, reference: &Reference, rest: &str) -> Result<Url, Error> {
        let scheme = if self.may_be_plain(reference.host()) {
            "http"
        } else {
            "https"
        };
        let text = format!("{scheme}://{}/v2/{}/{rest}", reference.host(), reference.repository());
        Url::parse(&text).map_err(|_| Error::Reference {
            text: reference.to_string(),
            why: "it makes no address",
        })
    }

    fn may_be_plain(&self, host: &str) -> bool {
        is_loopback(host) || self.plain.iter().any(|plain| plain == host)
    }

    fn check_tls(&self, url: &Url) -> Result<(), Error> {
        let host = host_of(url);
        if url.scheme() == "https" || url.scheme() == "http" && self.may_be_plain(&host) {
            Ok(())
        } else {
            Err(Error::PlainHttp { host })
        }
    }

    /// Sends a request, with a token if one is wanted, and goes where the registry sends it.
    async fn send(&self, reference: &Reference, method: Method, url: Url, parcel: &Parcel) -> Result<Response, Error> {
        let shown = self.known_token(reference, parcel.pushes);
        let shown = shown.as_ref().map(|shown| shown.as_str());
        let response = self.follow(reference, &method, &url, parcel, shown).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        match self.authorise(reference, &response, parcel.pushes).await? {
            Some(shown) => {
                self.follow(reference, &method, &url, parcel, Some(shown.as_str()))
                    .await
            }
            None => Ok(response),
        }
    }

    async fn follow(
        &self,
        reference: &Reference,
        method: &Method,
        url: &Url,
        parcel: &Parcel,
        shown: Option<&str>,
    ) -> Result<Response, Error> {
        let mut url = url.clone();
        for _ in 0..=HOPS_MAX {
            self.check_tls(&url)?;
            let mut request = self
                .client
                .request(method.clone(), url.clone())
                .headers(parcel.headers.clone());
            // Elsewhere they are nobody's business.
            if host_of(&url) == reference.host()
                && let Some(shown) = shown
            {
                request = request.header(AUTHORIZATION, shown);
            }
            if let Some(body) = &parcel.body {
                request = request.body(body.clone());
            }
            let response = sent(reference.host(), request).await?;
            let is_read = *method == Method::GET || *method == Method::HEAD;
            if !(response.status().is_redirection() && is_read) {
                return Ok(response);
            }
            let place = response.headers().get(LOCATION).and_then(|place| place.to_str().ok());
            url = place
                .and_then(|place| url.join(place).ok())
                .ok_or_else(|| garbage(reference, "it sends elsewhere and does not say where"))?;
        }
        Err(garbage(reference, "it sends from one place to the next without end"))
    }

    fn known_token(&self, reference: &Reference, pushes: bool) -> Option<Zeroizing<String>> {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(&(reference.place(), pushes)).cloned()
    }

    /// What to show, when the registry wants to be shown something that we have.
    async fn authorise(
        &self,
        reference: &Reference,
        refusal: &Response,
        pushes: bool,
    ) -> Result<Option<Zeroizing<String>>, Error> {
        let headers = refusal.headers().get_all(WWW_AUTHENTICATE);
        let challenges: Vec<Challenge> = headers
            .iter()
            .filter_map(|header| Challenge::read(header.to_str().ok()?))
            .collect();
        let shown = match challenges.first() {
            None => return Ok(None),
            Some(Challenge::Basic) => match self.credentials.of(reference.host()).await? {
                Some(login) => {
                    let pair = Zeroizing::new(format!("{}:{}", login.user, login.password.as_str()));
                    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pair.as_bytes());
                    Zeroizing::new(format!("Basic {encoded}"))
                }
                None => return Ok(None),
            },
            Some(Challenge::Bearer { realm, service }) => {
                let token = self.token(reference, realm, service.as_deref(), pushes).await?;
                Zeroizing::new(format!("Bearer {}", token.as_str()))
            }
        };
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.insert((reference.place(), pushes), shown.clone());
        Ok(Some(shown))
    }

    /// A token of the server that the registry names; for anybody, when we have no login.
    async fn token(
        &self,
        reference: &Reference,
        realm: &str,
        service: Option<&str>,
        pushes: bool,
    ) -> Result<Zeroizing<String>, Error> {
        let mut url = Url::parse(realm).map_err(|_| garbage(reference, "its token server has no address"))?;
        self.check_tls(&url)?;
        let actions = if pushes { "pull,push" } else { "pull" };
        let scope = format!("repository:{}:{actions}", reference.repository());
        url.query_pairs_mut().append_pair("scope", &scope);
        if let Some(service) = service {
            url.query_pairs_mut().append_pair("service", service);
        }
        let mut request = self.client.get(url);
        if let Some(login) = self.credentials.of(reference.host()).await? {
            request = request.basic_auth(&login.user, Some(login.password.as_str()));
        }
        let response = sent(reference.host(), request).await?;
        let response = self
            .good(reference, response, if pushes { "push" } else { "read" })
            .await?;
        let body = self
            .body(reference, response, "token-bytes", TOKEN_BYTES, "its token")
            .await?;
        let token: Token = serde_json::from_slice(&body).map_err(|_| garbage(reference, "its token cannot be read"))?;
        Ok(Zeroizing::new(token.token))
    }

    /// The answer, if it is a good one.
    async fn good(&self, reference: &Reference, response: Response, what: &str) -> Result<Response, Error> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let host = reference.host().to_owned();
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Error::Unauthorized {
                who: match self.credentials.of(&host).await? {
                    Some(login) => format!("`{}`", login.user),
                    None => "somebody without a login".to_owned(),
                },
                what: format!("{what} {reference}"),
                host,
            }),
            StatusCode::NOT_FOUND => Err(Error::NotFound {
                what: reference.to_string(),
                host,
            }),
            _ => {
                let said = self
                    .body(reference, response, "error-bytes", ERROR_BYTES, "its error")
                    .await;
                let said = said.map(|bytes| words(&bytes)).unwrap_or_default();
                let why = format!("{status} to `{what} {reference}`{said}");
                Err(if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
                    Error::Unreachable { host, why }
                } else {
                    Error::Garbage { host, why }
                })
            }
        }
    }

    /// The whole body, if it is no longer than that.
    async fn body(
        &self,
        reference: &Reference,
        mut response: Response,
        which: &'static str,
        most: u64,
        what: &str,
    ) -> Result<Bytes, Error> {
        let too_large = |used: u64| Error::TooLarge {
            which,
            what: what.to_owned(),
            used,
            limit: most,
        };
        if let Some(length) = response.content_length().filter(|length| *length > most) {
            return Err(too_large(length));
        }
        let mut body = BytesMut::new();
        let reading = async {
            loop {
                let chunk = timeout(SILENCE, response.chunk())
                    .await
                    .map_err(|_| silent(reference.host()))?;
                match chunk.map_err(|error| unreachable(reference.host(), &error))? {
                    Some(chunk) => body.extend_from_slice(&chunk),
                    None => return Ok(()),
                }
                if body.len() as u64 > most {
                    return Err(too_large(body.len() as u64));
                }
            }
        };
        timeout(WHOLE, reading).await.map_err(|_| silent(reference.host()))??;
        Ok(body.freeze())
    }
}

async fn sent(host: &str, request: RequestBuilder) -> Result<Response, Error> {
    let response = timeout(WHOLE, request.send()).await.map_err(|_| silent(host))?;
    response.map_err(|error| unreachable(host, &error))
}

fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn checked(bytes: Bytes, wanted: Digest, what: &str) -> Result<Bytes, Error> {
    let found = Digest::of(&bytes);
    if found == wanted {
        return Ok(bytes);
    }
    Err(Error::WrongDigest {
        what: what.to_owned(),
        wanted,
        found,
    })
}

fn unreachable(host: &str, error: &reqwest::Error) -> Error {
    Error::Unreachable {
        host: host.to_owned(),
        why: runwright_client::chain(error),
    }
}

fn silent(host: &str) -> Error {
    Error::Unreachable {
        host: host.to_owned(),
        why: "it does not go on answering".to_owned(),
    }
}

fn garbage(reference: &Reference, why: &str) -> Error {
    Error::Garbage {
        host: reference.host().to_owned(),
        why: why.to_owned(),
    }
}

/// What a registry says, on one line and without what a terminal would obey.
fn words(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let shown: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(WORDS_MAX)
        .collect();
    if shown.trim().is_empty() {
        String::new()
    } else {
        format!(": {}", shown.trim())
    }
}
