//! Requests and their answers: shorthands for what plugins send most.

use std::borrow::Cow;

use crate::{AwsRequest, Question, Request, Response};

impl Request {
    /// A request without headers or body, which follows no redirect and waits for 30 seconds.
    #[must_use]
    pub fn new(method: &str, url: &str) -> Self {
        Self {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            body: None,
            timeout_ms: None,
            redirects: 0,
        }
    }
}

impl AwsRequest {
    /// A request to a service (by the name that it signs with: `ec2`), in the engine's own region and with the
    /// execution's own role, without headers or body. `path` is percent-encoded and has the query.
    #[must_use]
    pub fn new(service: &str, method: &str, path: &str) -> Self {
        Self {
            service: service.to_owned(),
            region: None,
            host: None,
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            credentials: None,
            timeout_ms: None,
        }
    }
}

impl Response {
    /// The body as text; what is no UTF-8 is shown as `�`.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The first header of this name (in lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Question {
    /// A question that anybody who may use this engine can answer, one for all, at any time.
    #[must_use]
    pub fn new(message: &str) -> Self {
        Self {
            message: message.to_owned(),
            approvers: vec!["*".to_owned()],
            quorum: 1,
            deadline: None,
        }
    }
}
