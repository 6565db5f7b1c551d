//! Which target names mean this machine.

use runwright_model::capability::{Error, Target};

/// Whether this machine is meant: no name, `local`, `localhost`, or its host name.
///
/// # Errors
///
/// `NotFound` with the names that are known.
pub(crate) fn check_local(target: &Target) -> Result<(), Error> {
    let Some(name) = target else { return Ok(()) };
    let host = host_name();
    if ["local", "localhost", host.as_str()].contains(&name.as_str()) {
        return Ok(());
    }
    Err(Error::NotFound(format!(
        "the target `{name}` is not known: this engine reaches its own machine, as `local`, `localhost` or `{host}`"
    )))
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_three_names() {
        for known in [None, Some("local".into()), Some("localhost".into()), Some(host_name())] {
            assert_eq!(check_local(&known), Ok(()));
        }
        let error = check_local(&Some("other.example".into())).unwrap_err();
        assert!(
            matches!(&error, Error::NotFound(text) if text.contains("localhost")),
            "{error}"
        );
    }
}
