//! Roles: those that runbooks name, and those that scripts assume themselves.
//!
//! A script may call `AssumeRole` and make a client with what it gets. The answer that it sees holds no credentials: in
//! place of the secret key stands the request itself, as text. A later request of the guest brings this text along, and the
//! credentials are found again, or asked for again, also after a restart. So none of them ever reaches a guest or a journal.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use aws_credential_types::Credentials;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use runwright_model::{
    capability::{
        Error,
        aws::{Request, Response},
    },
    id::ExecutionId,
};

use crate::config::is_fresh;

/// How a secret key begins that stands for a role.
const ASSUMED: &str = "runwright-assumed-role:";
/// What stands in place of everything else that is secret in an answer of the token service.
const WITHHELD: &str = "withheld-by-runwright";
/// How many roles are kept in memory.
const KEPT_MAX: usize = 1_000;
/// How long credentials are taken to last when the answer does not say: the shortest there are.
const LASTING: Duration = Duration::from_secs(900);

/// Credentials of roles, by who asked for them and how.
#[derive(Default)]
pub(crate) struct Roles(Mutex<HashMap<(String, Vec<u8>), Credentials>>);

impl Roles {
    pub(crate) fn known(&self, asked: &Request, base: &Credentials) -> Option<Credentials> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&key(asked, base))
            .filter(|credentials| is_fresh(credentials))
            .cloned()
    }

    pub(crate) fn keep(&self, asked: &Request, base: &Credentials, given: &Credentials) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.retain(|_, credentials| is_fresh(credentials));
        }
        if kept.len() < KEPT_MAX {
            kept.insert(key(asked, base), given.clone());
        }
    }

    /// The answer without credentials, if it is one of the token service.
    pub(crate) fn hide(&self, request: &Request, response: Response) -> Response {
        if request.service != "sts" || response.status != 200 {
            return response;
        }
        let text = String::from_utf8_lossy(&response.body.0).into_owned();
        let form = String::from_utf8_lossy(&request.body.0);
        let stands = if request.operations() == ["sts:AssumeRole"] && !form.is_empty() {
            format!("{ASSUMED}{}", URL_SAFE_NO_PAD.encode(form.as_bytes()))
        } else {
            WITHHELD.to_owned()
        };
        let hidden = replaced(&replaced(&text, "SecretAccessKey", &stands), "SessionToken", WITHHELD);
        if hidden == text {
            return response;
        }
        let headers = response
            .headers
            .into_iter()
            .filter(|(name, _)| name != "content-length");
        Response {
            headers: headers.collect(),
            body: hidden.into_bytes().into(),
            ..response
        }
    }
}

fn key(asked: &Request, base: &Credentials) -> (String, Vec<u8>) {
    (base.access_key_id().to_owned(), asked.body.0.clone())
}

fn form(body: String, region: &str) -> Request {
    let kind = (
        "content-type".to_owned(),
        "application/x-www-form-urlencoded; charset=utf-8".to_owned(),
    );
    Request {
        service: "sts".into(),
        region: Some(region.to_owned()),
        method: "POST".into(),
        path: "/".into(),
        headers: vec![kind],
        body: body.into_bytes().into(),
        ..Request::default()
    }
}

/// The question whose credentials these are.
pub(crate) fn who_am_i(region: &str) -> Request {
    form("Action=GetCallerIdentity&Version=2011-06-15".into(), region)
}

/// The request for the role of a runbook.
///
/// # Errors
///
/// `Invalid` when that is no role.
pub(crate) fn assume(role: &str, execution: &ExecutionId, region: &str) -> Result<Request, Error> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&byte);
    if !role.starts_with("arn:") || !role.contains(":role/") || !role.bytes().all(plain) {
        return Err(Error::Invalid(format!(
            "the runbook's `assumeRole` is `{role}`, which is no role; one begins with `arn:aws:iam::`"
        )));
    }
    let encoded = role.replace('+', "%2B").replace('=', "%3D");
    let session: String = execution
        .as_str()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .take(50)
        .collect();
    let body = format!("Action=AssumeRole&Version=2011-06-15&RoleArn={encoded}&RoleSessionName=runwright-{session}");
    Ok(form(body, region))
}

/// The request that a secret key stands for.
///
/// # Errors
///
/// `Invalid` when the text is none of ours.
pub(crate) fn asked(text: &str, region: &str) -> Result<Request, Error> {
    let unknown = || {
        Error::Invalid(
            "a client was made with credentials that are none of the engine's: use those that `assume_role` answers, or none"
                .into(),
        )
    };
    let encoded = text.strip_prefix(ASSUMED).ok_or_else(unknown)?;
    let body = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| unknown())?;
    let request = form(String::from_utf8(body).map_err(|_| unknown())?, region);
    if request.operations() == ["sts:AssumeRole"] {
        Ok(request)
    } else {
        Err(unknown())
    }
}

/// The credentials in an answer of the token service.
///
/// # Errors
///
/// `Invalid` with what the service said.
pub(crate) fn given(response: &Response) -> Result<Credentials, Error> {
    let text = String::from_utf8_lossy(&response.body.0);
    let found = |name| element(&text, name).map(unescaped);
    match (found("AccessKeyId"), found("SecretAccessKey"), found("SessionToken")) {
        (Some(id), Some(secret), Some(token)) => {
            let end = SystemTime::now() + LASTING;
            Ok(Credentials::new(id, secret, Some(token), Some(end), "runwright"))
        }
        _ => {
            let (code, message) = (found("Code").unwrap_or_default(), found("Message").unwrap_or_default());
            Err(Error::Invalid(format!(
                "the role cannot be assumed: {code} {message} (status {})",
                response.status
            )))
        }
    }
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

/// The text of the first element of this name.
pub(crate) fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

/// With the text of each element of this name replaced.
fn replaced(xml: &str, name: &str, with: &str) -> String {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut made = String::with_capacity(xml.len());
    let mut rest = xml;
    while let Some((before, after)) = rest.split_once(&open) {
        made += before;
        made += &open;
        made += with;
        rest = after.find(&close).map_or("", |at| &after[at..]);
    }
    made + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA1</AccessKeyId>\
         <SecretAccessKey>s3cr3t/key</SecretAccessKey><SessionToken>tok&amp;en</SessionToken></Credentials>\
         </AssumeRoleResult></AssumeRoleResponse>";

    fn answer() -> Response {
        Response {
            status: 200,
            headers: vec![],
            body: ANSWER.as_bytes().to_vec().into(),
        }
    }

    #[test]
    fn a_guest_gets_a_text_by_which_the_role_is_found_again() {
        let request = assume(
            "arn:aws:iam::123456789012:role/x",
            &"e-1".parse().unwrap(),
            "eu-north-1",
        )
        .unwrap();
        let shown = Roles::default().hide(&request, answer());
        let text = String::from_utf8(shown.body.0).unwrap();
        assert!(!text.contains("s3cr3t") && !text.contains("tok&"), "{text}");
        let stands = element(&text, "SecretAccessKey").unwrap();
        assert_eq!(asked(stands, "eu-north-1").unwrap(), request);
        assert_eq!(given(&answer()).unwrap().session_token(), Some("tok&en"));
    }

    #[test]
    fn other_credentials_of_the_token_service_are_withheld() {
        let request = form("Action=GetSessionToken&Version=2011-06-15".into(), "eu-north-1");
        let text = String::from_utf8(Roles::default().hide(&request, answer()).body.0).unwrap();
        assert_eq!(element(&text, "SecretAccessKey"), Some(WITHHELD));
        assert!(asked(WITHHELD, "eu-north-1").is_err());
    }

    #[test]
    fn a_text_that_was_made_up_is_no_role() {
        let other = format!("{ASSUMED}{}", URL_SAFE_NO_PAD.encode("Action=DeleteEverything"));
        for text in ["wJalrXUtnFEMI", ASSUMED, &other] {
            assert!(asked(text, "eu-north-1").is_err(), "{text}");
        }
        assert!(assume("{{ Role }}", &"e-1".parse().unwrap(), "x").is_err());
    }
}
