//! Signature Version 4, by aws-sigv4.

use std::time::SystemTime;

use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use reqwest::{Method, Url};
use runwright_model::capability::Error;

use crate::Signed;

/// Headers that are made here, whatever a guest says.
const OWN_HEADERS: [&str; 8] = [
    "authorization",
    "connection",
    "content-length",
    "host",
    "transfer-encoding",
    "upgrade",
    "x-amz-date",
    "x-amz-security-token",
];

/// The request with its signature.
///
/// # Errors
///
/// `Invalid` when it cannot be signed.
pub(crate) fn signed(what: &Signed<'_>, url: &Url) -> Result<reqwest::Request, Error> {
    let asked = what.request;
    let invalid = |why: String| Error::Invalid(format!("a request to {} cannot be signed: {why}", asked.service));
    let method =
        Method::from_bytes(asked.method.to_ascii_uppercase().as_bytes()).map_err(|error| invalid(error.to_string()))?;
    let mut request = http::Request::builder().method(method).uri(url.as_str());
    for (name, value) in asked.headers.iter().filter(|(name, _)| !is_own(name)) {
        request = request.header(name, value);
    }
    let mut request = request
        .body(asked.body.0.clone())
        .map_err(|error| invalid(error.to_string()))?;
    let identity = what.credentials.clone().into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(asked.region.as_deref().unwrap_or_default())
        .name(&asked.service)
        .time(SystemTime::now())
        .settings(settings(&asked.service))
        .build()
        .map_err(|error| invalid(error.to_string()))?
        .into();
    let headers = request
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let signable = SignableRequest::new(
        request.method().as_str(),
        url.as_str(),
        headers,
        SignableBody::Bytes(&asked.body.0),
    )
    .map_err(|error| invalid(error.to_string()))?;
    let (instructions, _) = sign(signable, &params)
        .map_err(|error| invalid(error.to_string()))?
        .into_parts();
    instructions.apply_to_request_http1x(&mut request);
    reqwest::Request::try_from(request).map_err(|error| invalid(error.to_string()))
}

fn is_own(name: &str) -> bool {
    OWN_HEADERS.iter().any(|own| name.eq_ignore_ascii_case(own))
}

/// Object storage takes paths as they are, and wants the digest of the body in a header.
fn settings(service: &str) -> SigningSettings {
    let mut settings = SigningSettings::default();
    if service.starts_with("s3") {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    settings
}
