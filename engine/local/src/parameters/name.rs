//! The rules of names, selectors, labels and values. Pure.

use runwright_model::capability::{Error, parameters::VALUE_BYTES_MAX};

/// The most characters of a name.
pub const NAME_CHARS_MAX: usize = 1_011;
/// The most levels of a hierarchy.
pub const LEVELS_MAX: usize = 15;
/// The most characters of a label.
pub const LABEL_CHARS_MAX: usize = 100;

/// A checked name. `/x` and `x` are the same parameter; below a path the leading `/` must be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// As it was written, without blanks around it.
    pub(super) shown: String,
}

impl Name {
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let shown = text.trim();
        let bare = shown.strip_prefix('/').unwrap_or(shown);
        let levels: Vec<&str> = bare.split('/').collect();
        let invalid = |why: String| Err(Error::Invalid(format!("`{text}` is no parameter name: {why}")));
        if let Some(wrong) = bare.chars().find(|c| !is_name_char(*c) && *c != '/') {
            return invalid(format!(
                "it has the character {wrong:?}; letters, digits, `_`, `.`, `-` and `/` are allowed"
            ));
        }
        if levels.iter().any(|level| level.is_empty()) {
            return invalid("it has an empty part".into());
        }
        if shown.len() > NAME_CHARS_MAX {
            return Err(limit("parameter-name-chars", NAME_CHARS_MAX, shown.len()));
        }
        if levels.len() > LEVELS_MAX {
            return Err(limit("parameter-name-levels", LEVELS_MAX, levels.len()));
        }
        if levels.len() > 1 && !shown.starts_with('/') {
            return invalid(format!("a name in a hierarchy begins with `/`: write `/{shown}`"));
        }
        if let Some(reserved) = reserved_prefix(levels[0]) {
            return invalid(format!("names that begin with `{reserved}` are reserved"));
        }
        Ok(Self {
            shown: shown.to_owned(),
        })
    }

    /// What identifies it in the store: the name without its leading `/`.
    pub(super) fn key(&self) -> &str {
        self.shown.strip_prefix('/').unwrap_or(&self.shown)
    }
}

/// The prefix of the keys under a path; empty for `/`.
pub(super) fn path_prefix(path: &str) -> Result<String, Error> {
    let bare = path.trim().trim_end_matches('/');
    if bare.is_empty() && path.trim().starts_with('/') {
        return Ok(String::new());
    }
    if !bare.starts_with('/') {
        return Err(Error::Invalid(format!(
            "`{path}` is no path of parameters: it must begin with `/`"
        )));
    }
    Ok(format!("{}/", Name::parse(bare)?.key()))
}

/// Which version is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Selector {
    Latest,
    Version(u64),
    Label(String),
}

/// Parts `name`, `name:version`, `name:label`.
pub(super) fn parse_selector(text: &str) -> Result<(Name, Selector), Error> {
    let Some((name, selector)) = text.trim().split_once(':') else {
        return Ok((Name::parse(text)?, Selector::Latest));
    };
    let selector = match selector.parse() {
        Ok(version) => Selector::Version(version),
        Err(_) => {
            check_label(selector)?;
            Selector::Label(selector.to_owned())
        }
    };
    Ok((Name::parse(name)?, selector))
}

pub(super) fn check_label(label: &str) -> Result<(), Error> {
    let invalid = |why: &str| Err(Error::Invalid(format!("`{label}` is no label of a parameter: {why}")));
    if label.is_empty() || !label.chars().all(is_name_char) {
        return invalid("it may have letters, digits, `_`, `.` and `-`");
    }
    if label.len() > LABEL_CHARS_MAX {
        return Err(limit("parameter-label-chars", LABEL_CHARS_MAX, label.len()));
    }
    if label.starts_with(|c: char| c.is_ascii_digit()) {
        return invalid("it must not begin with a digit");
    }
    match reserved_prefix(label) {
        Some(_) => invalid("it must not begin with `aws` or `ssm`"),
        None => Ok(()),
    }
}

pub(super) fn check_value(value: &str) -> Result<(), Error> {
    if value.is_empty() {
        return Err(Error::Invalid("the value of a parameter cannot be empty".into()));
    }
    if value.contains("{{") {
        return Err(Error::Invalid(
            "the value of a parameter cannot hold a reference (`{{`)".into(),
        ));
    }
    if value.len() > VALUE_BYTES_MAX {
        return Err(limit("parameter-value-bytes", VALUE_BYTES_MAX, value.len()));
    }
    Ok(())
}

pub(super) fn limit(which: &str, limit: usize, used: usize) -> Error {
    Error::LimitExceeded {
        which: which.into(),
        limit: limit as u64,
        used: used as u64,
    }
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.-".contains(c)
}

fn reserved_prefix(text: &str) -> Option<&'static str> {
    let start = text.get(..3)?;
    ["aws", "ssm"]
        .into_iter()
        .find(|reserved| start.eq_ignore_ascii_case(reserved))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in [
            "x",
            "/x",
            "/app/db/pass-word_1.x",
            " /x ",
            "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15",
        ] {
            assert!(Name::parse(good).is_ok(), "{good}");
        }
        assert_eq!(Name::parse("/x").unwrap().key(), Name::parse("x").unwrap().key());
        let deep = "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16";
        let long = format!("/{}", "a".repeat(NAME_CHARS_MAX));
        for bad in [
            "", "/", "a/b", "//a", "/a/", "/a//b", "/a b", "/ä", "awsome", "/SSM/x", "/x:1", deep, &long,
        ] {
            assert!(Name::parse(bad).is_err(), "{bad}");
        }
        assert!(Name::parse(&long[..NAME_CHARS_MAX]).is_ok());
    }

    #[test]
    fn selectors() {
        let parse = |text| parse_selector(text).map(|(_, selector)| selector);
        assert_eq!(parse("/x"), Ok(Selector::Latest));
        assert_eq!(parse("/x:12"), Ok(Selector::Version(12)));
        assert_eq!(parse("/x:prod"), Ok(Selector::Label("prod".into())));
        assert!(parse("/x:1a").is_err());
        assert!(parse("/x:").is_err());
    }

    #[test]
    fn labels() {
        for good in ["prod", "v1.2-x_y"] {
            assert!(check_label(good).is_ok(), "{good}");
        }
        for bad in ["", "1st", "aws-x", "SSMx", "a b", &"x".repeat(101)] {
            assert!(check_label(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn values() {
        assert!(check_value(&"x".repeat(VALUE_BYTES_MAX)).is_ok());
        assert!(matches!(
            check_value(&"x".repeat(VALUE_BYTES_MAX + 1)),
            Err(Error::LimitExceeded { .. })
        ));
        assert!(check_value("").is_err());
        assert!(check_value("{{ ssm:x }}").is_err());
    }

    #[test]
    fn paths() {
        assert_eq!(path_prefix("/"), Ok(String::new()));
        assert_eq!(path_prefix("/app"), Ok("app/".into()));
        assert_eq!(path_prefix("/app/"), Ok("app/".into()));
        assert!(path_prefix("app").is_err());
        assert!(path_prefix("").is_err());
    }
}
