//! Requests to services of AWS: `wit/aws.wit`.

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;

/// A request. Fields as in `wit/aws.wit`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Request {
    /// The name that the service signs with.
    pub service: String,
    /// The region; the engine's own when absent.
    pub region: Option<String>,
    /// The host that the service's endpoint rules name.
    pub host: Option<String>,
    /// `GET`, `POST` and so on.
    pub method: String,
    /// Path and query, percent-encoded.
    pub path: String,
    /// Names and values; values may hold secret placeholders.
    pub headers: Vec<(String, String)>,
    /// The body; may hold secret placeholders.
    pub body: Bytes,
    /// The text that stands for a role's credentials.
    pub credentials: Option<String>,
    /// Milliseconds for the whole answer; [`TIMEOUT_MS_DEFAULT`] when absent.
    pub timeout_ms: Option<u64>,
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
pub const TIMEOUT_MS_DEFAULT: u64 = 60_000;

/// How the names of operations begin that change nothing.
const READS: [&str; 14] = [
    "BatchGet", "Check", "Count", "Describe", "Estimate", "Filter", "Get", "Head", "List", "Lookup", "Query", "Scan",
    "Search", "Validate",
];

/// Whether an operation of this name changes nothing, as `DescribeInstances`.
#[must_use]
pub fn is_read(operation: &str) -> bool {
    READS.iter().any(|read| operation.starts_with(read))
}

impl Request {
    /// What the request does, as grants write it: everything that the service could take it for. What a guest calls the
    /// operation does not count; the request itself says it.
    ///
    /// - `ec2:DescribeInstances` where the operation is named in the request: in the header `x-amz-target`, in the
    ///   parameter `Action` of a form or a query, or in a path `/service/…/operation/…`;
    /// - `s3:GET /bucket/key` (without the query) where the path is what counts: REST. Also beside a named operation, unless
    ///   the path is `/`.
    ///
    /// A body that cannot be read (it is encoded) may be anything: `ec2:*`.
    #[must_use]
    pub fn operations(&self) -> Vec<String> {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let mut names: Vec<String> = Vec::new();
        let rpc = path
            .split_once("/operation/")
            .filter(|(service, _)| service.starts_with("/service/"));
        names.extend(rpc.map(|(_, operation)| operation.to_owned()));
        for target in self.header("x-amz-target") {
            names.push(target.rsplit('.').next().unwrap_or(target).to_owned());
        }
        names.extend(actions(query));
        let form = |kind: &str| kind.to_ascii_lowercase().contains("form-urlencoded");
        // Without a target, a service that takes forms may take anything for one.
        if self.header("content-type").any(form) || (path == "/" && names.is_empty()) {
            names.extend(actions(&String::from_utf8_lossy(&self.body.0)));
        }
        if self.header("content-encoding").next().is_some() && names.is_empty() && path == "/" {
            names.push("*".to_owned());
        }
        if names.is_empty() || (path != "/" && rpc.is_none()) {
            names.push(format!("{} {path}", self.method.to_ascii_uppercase()));
        }
        names.iter().map(|name| format!("{}:{name}", self.service)).collect()
    }

    /// Whether it changes nothing: every operation that it could be only reads.
    #[must_use]
    pub fn only_reads(&self) -> bool {
        self.operations().iter().all(|operation| {
            let name = operation.split_once(':').map_or("", |(_, name)| name);
            match name.split_once(' ') {
                Some((method, _)) => ["GET", "HEAD", "OPTIONS"].contains(&method),
                None => is_read(name),
            }
        })
    }

    fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// The fields of a form or a query, decoded.
pub fn fields(form: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let pairs = form.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value)))
}

/// The values of `Action` in a form. An encoded letter in the name would hide it from us and not from the service, so
/// names are decoded.
fn actions(form: &str) -> impl Iterator<Item = String> + '_ {
    fields(form)
        .filter(|(name, _)| name == "Action")
        .map(|(_, value)| value)
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match (first, hex.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request {
        Request {
            service: "x".into(),
            method: method.into(),
            path: path.into(),
            headers: headers
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
            body: body.as_bytes().to_vec().into(),
            ..Request::default()
        }
    }

    const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");

    #[test]
    fn the_request_itself_says_what_it_does() {
        let query = request("POST", "/", &[FORM], "Action=DescribeInstances&Version=2016-11-15");
        assert_eq!(query.operations(), ["x:DescribeInstances"]);
        assert!(query.only_reads());
        let json = request("POST", "/", &[("X-Amz-Target", "DynamoDB_20120810.PutItem")], "{}");
        assert_eq!(json.operations(), ["x:PutItem"]);
        assert!(!json.only_reads());
        let rest = request("get", "/bucket/key?versionId=1", &[], "");
        assert_eq!(rest.operations(), ["x:GET /bucket/key"]);
        assert!(rest.only_reads());
        let cbor = request("POST", "/service/GraniteService/operation/ListMetrics", &[], "");
        assert_eq!(cbor.operations(), ["x:ListMetrics"]);
    }

    #[test]
    fn nothing_hides_behind_something_harmless() {
        let hidden = request(
            "POST",
            "/",
            &[FORM, ("x-amz-target", "a.DescribeX")],
            "%41ction=Terminate",
        );
        assert_eq!(hidden.operations(), ["x:DescribeX", "x:Terminate"]);
        assert!(!hidden.only_reads());
        let beside = request("DELETE", "/bucket", &[("x-amz-target", "a.DescribeX")], "");
        assert_eq!(beside.operations(), ["x:DescribeX", "x:DELETE /bucket"]);
        let packed = request("POST", "/", &[("content-encoding", "gzip")], "\u{1f}");
        assert_eq!(packed.operations(), ["x:*"]);
        assert!(!packed.only_reads());
    }
}
