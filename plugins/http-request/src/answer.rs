//! An answer as outputs.

use runwright_sdk::{
    Failure, Host, Response,
    schema::{self, Schema},
};
use serde::Serialize;
use serde_json::{Map, Value};

/// Longer bodies are cut in the output; the whole is kept as a blob.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// The outputs of a step.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    status_code: u16,
    headers: Map<String, Value>,
    body: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_blob: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    json: Option<Value>,
}

pub(crate) fn read(host: &impl Host, response: &Response) -> Result<Outputs, Failure> {
    let mut headers = Map::new();
    for (name, value) in &response.headers {
        let joined = match headers.get(name).and_then(Value::as_str) {
            Some(before) => format!("{before}, {value}"),
            None => value.clone(),
        };
        headers.insert(name.clone(), Value::from(joined));
    }
    let is_long = response.body.len() > BODY_BYTES_MAX;
    let body_blob = if is_long {
        Some(host.put_blob(&response.body)?)
    } else {
        None
    };
    let start = &response.body[..response.body.len().min(BODY_BYTES_MAX)];
    // Whatever the server calls it, a short body that is JSON can be used as such; nearly all of them are.
    let json = if is_long {
        None
    } else {
        serde_json::from_slice(&response.body).ok()
    };
    Ok(Outputs {
        status_code: response.status,
        headers,
        body: String::from_utf8_lossy(start).into_owned(),
        body_blob,
        json,
    })
}

pub(crate) fn schema() -> Schema {
    schema::object()
        .required("StatusCode", schema::integer("The status."))
        .required(
            "Headers",
            schema::map(
                "Headers, names in lower case.",
                schema::string("A value; several are joined with commas."),
            ),
        )
        .required(
            "Body",
            schema::string("The body as text; its first 64 KiB when it is longer."),
        )
        .optional(
            "BodyBlob",
            schema::string("Name of the blob with the whole body, when it was cut."),
        )
        .optional(
            "Json",
            schema::any("The body as a JSON value, when it is one and was not cut."),
        )
}

#[cfg(test)]
mod tests {
    use runwright_sdk::testing::FakeHost;

    use super::*;

    #[test]
    fn a_long_body_is_cut_and_kept() {
        let host = FakeHost::new();
        let outputs = read(
            &host,
            &FakeHost::respond(200, "text/plain", &"1".repeat(BODY_BYTES_MAX + 1)),
        )
        .unwrap();
        assert_eq!(outputs.body.len(), BODY_BYTES_MAX);
        assert_eq!(
            host.blob_size(outputs.body_blob.as_deref().unwrap()),
            Ok(BODY_BYTES_MAX as u64 + 1)
        );
        assert_eq!(outputs.json, None);
    }

    #[test]
    fn repeated_headers_are_joined() {
        let mut response = FakeHost::respond(200, "text/plain", "x");
        response.headers.push(("content-type".into(), "b".into()));
        let outputs = read(&FakeHost::new(), &response).unwrap();
        assert_eq!(outputs.headers["content-type"], "text/plain, b");
    }
}
