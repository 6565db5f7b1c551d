//! One request of a chain of redirects, and what the next one is. Pure.

use reqwest::{
    Method, Response, StatusCode, Url,
    header::{
        AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, LOCATION, PROXY_AUTHORIZATION,
    },
};
use runwright_model::capability::Error;

/// A request with its secrets filled in.
pub(super) struct Hop {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    /// The headers whose values had placeholders.
    pub(super) secret: Vec<HeaderName>,
    pub(super) body: Vec<u8>,
    /// Whether the body had placeholders.
    pub(super) secret_body: bool,
}

impl Hop {
    /// The request that a redirect asks for.
    ///
    /// # Errors
    ///
    /// `Unavailable` for an address that cannot be followed, `Invalid` when the body's secret would go to another origin.
    pub(super) fn after(self, response: &Response) -> Result<Self, Error> {
        let location = response
            .headers()
            .get(LOCATION)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let next = self
            .url
            .join(location)
            .ok()
            .and_then(|url| checked_address(url.as_str()).ok());
        let next = next.ok_or_else(|| {
            Error::Unavailable(format!(
                "`{}` redirects to `{location}`, which cannot be followed",
                self.url
            ))
        })?;
        self.to(next, response.status())
    }

    fn to(mut self, next: Url, status: StatusCode) -> Result<Self, Error> {
        if drops_body(&self.method, status) {
            self.method = if self.method == Method::HEAD {
                Method::HEAD
            } else {
                Method::GET
            };
            self.body = Vec::new();
            self.secret_body = false;
            self.headers.remove(CONTENT_TYPE);
            self.headers.remove(CONTENT_ENCODING);
        }
        if next.origin() != self.url.origin() {
            if self.secret_body {
                return Err(Error::Invalid(format!(
                    "`{}` redirects a body that holds a secret to another origin, `{next}`: send it there if that is meant",
                    self.url
                )));
            }
            for name in self
                .secret
                .drain(..)
                .chain([AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION])
            {
                self.headers.remove(name);
            }
        }
        self.url = next;
        Ok(self)
    }
}

/// Whether an answer asks to go elsewhere.
pub(super) fn is_redirect(response: &Response) -> bool {
    matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) && response.headers().contains_key(LOCATION)
}

/// RFC 9110, 15.4: after 303, and as everybody does it after 301 and 302 to a POST, comes a GET.
fn drops_body(method: &Method, status: StatusCode) -> bool {
    match status.as_u16() {
        303 => true,
        301 | 302 => *method == Method::POST,
        _ => false,
    }
}

/// An address that a request can go to.
///
/// # Errors
///
/// `Invalid`.
pub(super) fn checked_address(text: &str) -> Result<Url, Error> {
    let invalid = |why: &str| {
        Err(Error::Invalid(format!(
            "`{text}` is no address a request can go to: {why}"
        )))
    };
    let mut url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => return invalid(&error.to_string()),
    };
    if !["http", "https"].contains(&url.scheme()) {
        return invalid("it must begin with `http://` or `https://`");
    }
    if url.host_str().is_none_or(str::is_empty) {
        return invalid("it names no host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return invalid("put the name and the password into an `authorization` header");
    }
    url.set_fragment(None);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn hop(method: Method, secret_body: bool) -> Hop {
        let headers = [
            ("authorization", "x"),
            ("x-key", "y"),
            ("accept", "z"),
            ("content-type", "t"),
        ];
        Hop {
            method,
            url: Url::parse("https://a.example/one").unwrap(),
            headers: headers
                .map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v)))
                .into_iter()
                .collect(),
            secret: vec![HeaderName::from_static("x-key")],
            body: b"body".to_vec(),
            secret_body,
        }
    }

    fn to(hop: Hop, url: &str, status: u16) -> Result<Hop, Error> {
        hop.to(Url::parse(url).unwrap(), StatusCode::from_u16(status).unwrap())
    }

    #[test]
    fn another_origin_gets_no_secret() {
        for other in ["https://b.example/", "http://a.example/", "https://a.example:444/"] {
            let next = to(hop(Method::POST, false), other, 307).unwrap();
            assert_eq!(
                next.headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(),
                ["accept", "content-type"]
            );
            assert!(matches!(
                to(hop(Method::POST, true), other, 307),
                Err(Error::Invalid(_))
            ));
        }
        let same = to(hop(Method::POST, true), "https://a.example/two", 307).unwrap();
        assert_eq!((same.headers.len(), same.body.as_slice()), (4, b"body".as_slice()));
    }

    #[test]
    fn methods_change_as_everybody_does_it() {
        let next = |method, status| to(hop(method, false), "https://a.example/two", status).unwrap();
        assert_eq!(next(Method::POST, 302).method, Method::GET);
        assert!(next(Method::POST, 302).body.is_empty());
        assert_eq!(next(Method::PUT, 302).method, Method::PUT);
        assert_eq!(next(Method::PUT, 303).method, Method::GET);
        assert_eq!(next(Method::HEAD, 303).method, Method::HEAD);
        assert_eq!(next(Method::POST, 308).method, Method::POST);
    }

    #[test]
    fn addresses() {
        assert_eq!(
            checked_address("HTTP://A.example/x y#z").unwrap().as_str(),
            "http://a.example/x%20y"
        );
        assert_eq!(
            checked_address("https:\\\\b.example\\x").unwrap().as_str(),
            "https://b.example/x"
        );
        for bad in [
            "",
            "/x",
            "ftp://a/",
            "http://",
            "https://user:pw@a.example/",
            "https://user@a.example/",
        ] {
            assert!(matches!(checked_address(bad), Err(Error::Invalid(_))), "{bad}");
        }
    }
}
