//! HTTP requests: `wit/http.wit`.

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;

/// A request. Fields as in `wit/http.wit`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Request {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// An absolute http or https address.
    pub url: String,
    /// Names and values; values may hold secret placeholders.
    pub headers: Vec<(String, String)>,
    /// The body; may hold secret placeholders.
    pub body: Option<Bytes>,
    /// Milliseconds for the whole answer; [`TIMEOUT_MS_DEFAULT`] when absent.
    pub timeout_ms: Option<u64>,
    /// How many redirects to follow.
    pub redirects: u32,
}

impl Request {
    /// Whether the method changes nothing (RFC 9110, 9.2.1).
    #[must_use]
    pub fn is_safe(&self) -> bool {
        ["GET", "HEAD", "OPTIONS"]
            .iter()
            .any(|m| self.method.eq_ignore_ascii_case(m))
    }
}

/// An answer; every status is one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names (lower case) and values.
    pub headers: Vec<(String, String)>,
    /// The body, at most [`BODY_BYTES_MAX`].
    pub body: Bytes,
}

/// The largest body of a request or an answer.
pub const BODY_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// How long a request may take when it does not say.
pub const TIMEOUT_MS_DEFAULT: u64 = 30_000;
