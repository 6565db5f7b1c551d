//! Putting secrets in the place of their placeholders, and taking them out of what comes back.

use runwright_model::{
    capability::Error,
    secret::{Secrets, placeholders},
};

/// The text with its placeholders filled. `what` names it in the error.
///
/// A placeholder that this execution was not given is an error, not a text: a file with
/// `((secret:…))` where a password belongs would break its reader much later.
///
/// # Errors
///
/// `Invalid`.
pub(crate) fn text(secrets: &Secrets, text: &str, what: &str) -> Result<String, Error> {
    if let Some(unknown) = placeholders(text).find(|p| secrets.get(p).is_none()) {
        return Err(Error::Invalid(format!(
            "{what} holds the placeholder `{unknown}`, which this execution was not given: read the parameter with \
             `parameters.get` and use the placeholder it answers"
        )));
    }
    Ok(secrets.fill(text))
}

/// The same for bytes. Bytes that are no UTF-8 are left alone.
///
/// # Errors
///
/// `Invalid`.
pub(crate) fn bytes(secrets: &Secrets, bytes: Vec<u8>, what: &str) -> Result<Vec<u8>, Error> {
    match String::from_utf8(bytes) {
        Ok(filled) => Ok(text(secrets, &filled, what)?.into_bytes()),
        Err(error) => Ok(error.into_bytes()),
    }
}

/// Refuses placeholders where they cannot be kept secret. `what` and `instead` name the places.
///
/// # Errors
///
/// `Invalid`.
pub(crate) fn refuse(text: &str, what: &str, instead: &str) -> Result<(), Error> {
    match placeholders(text).next() {
        None => Ok(()),
        Some(found) => Err(Error::Invalid(format!(
            "{what} holds the secret placeholder `{found}`, and is visible to others: {instead}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn secrets() -> Secrets {
        Secrets::new(BTreeMap::from([("((secret:/k:1))".to_owned(), "value".to_owned())]))
    }

    #[test]
    fn unknown_placeholders_are_refused() {
        assert!(
            text(&secrets(), "x ((secret:/other:1))", "the file")
                .unwrap_err()
                .to_string()
                .contains("/other:1")
        );
        assert_eq!(bytes(&secrets(), vec![0xff, b'('], "the file").unwrap(), [0xff, b'(']);
    }
}
