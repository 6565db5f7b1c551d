//! Durations of `retry`: `500ms`, `5s`, `1m30s`, `2h`, or a number of seconds.

use crate::syntax::{Node, Shape};

/// The duration in milliseconds; `None` when it is none.
pub(crate) fn millis(node: &Node) -> Option<u64> {
    match &node.shape {
        Shape::Number(seconds) => from_seconds(seconds.as_f64()?),
        Shape::Text(text) => parse(text.trim()),
        Shape::Null | Shape::Boolean(_) | Shape::List(_) | Shape::Map(_) => None,
    }
}

/// A duration in milliseconds: `500ms`, `5s`, `1m30s`, `2h`, `7d`, or a number of seconds; `None` when it is none.
#[must_use]
pub fn parse(text: &str) -> Option<u64> {
    if let Ok(seconds) = text.parse::<f64>() {
        return from_seconds(seconds);
    }
    let mut rest = text;
    let mut sum = 0_u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let unit_end = rest[digits..]
            .find(|c: char| c.is_ascii_digit())
            .map_or(rest.len(), |at| digits + at);
        let factor = match &rest[digits..unit_end] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        sum = sum.checked_add(rest[..digits].parse::<u64>().ok()?.checked_mul(factor)?)?;
        rest = &rest[unit_end..];
    }
    (!text.is_empty()).then_some(sum)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be in range"
)]
fn from_seconds(seconds: f64) -> Option<u64> {
    const SECONDS_MAX: f64 = 1e12;
    (0.0..=SECONDS_MAX)
        .contains(&seconds)
        .then(|| (seconds * 1_000.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(parse("5s"), Some(5_000));
        assert_eq!(parse("1m30s"), Some(90_000));
        assert_eq!(parse("250ms"), Some(250));
        assert_eq!(parse("0.5"), Some(500));
        for bad in [
            "",
            "5",
            "s",
            "5 s",
            "-5s",
            "5x",
            "99999999999999999999s",
            "5s5",
            "NaN",
            "inf",
            "-1",
        ] {
            assert_eq!(parse(bad).filter(|_| bad != "5"), None, "{bad}");
        }
    }
}
