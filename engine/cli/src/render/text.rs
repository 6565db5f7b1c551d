//! Small forms of text: durations, moments, sizes, values, and what a terminal must not obey.

use std::time::Duration;

use runwright::model::time::Timestamp;
use serde_json::Value;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// A duration for people: two units at most.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..=9 => format!("{}.{} s", seconds, duration.subsec_millis() / 100),
        10..=59 => format!("{seconds} s"),
        60..=3_599 => units(seconds / 60, "min", seconds % 60, "s"),
        3_600..=86_399 => units(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        _ => units(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

fn units(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 {
        format!("{large} {large_unit}")
    } else {
        format!("{large} {large_unit} {small} {small_unit}")
    }
}

/// A moment in UTC, to the second.
pub(crate) fn moment(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(at.as_millis()) {
        Ok(moment) => moment.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        Err(_) => at.to_string(),
    }
}

/// The time of day of a moment in UTC, to the millisecond.
pub(crate) fn time_of_day(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(at.as_millis()) {
        Ok(moment) => moment.strftime("%H:%M:%S%.3f").to_string(),
        Err(_) => at.to_string(),
    }
}

/// Now.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
}

/// A number of bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1_024 {
        return format!("{bytes} bytes");
    }
    let mut tenths = bytes.saturating_mul(10) / 1_024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1_024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// `1 step`, `2 steps`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// A value in a line: texts as they are, the rest as JSON.
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// Text that a terminal shows and does not obey: control characters (tabs apart) become visible ones.
pub(crate) fn visible(text: &str) -> String {
    text.chars().map(|c| if c == '\t' { c } else { picture(c) }).collect()
}

/// The same, and line ends stay.
pub(crate) fn visible_lines(text: &str) -> String {
    text.chars()
        .map(|c| if c == '\t' || c == '\n' { c } else { picture(c) })
        .collect()
}

fn picture(c: char) -> char {
    match u32::from(c) {
        code @ 0..=0x1f => char::from_u32(0x2400 + code).unwrap_or('\u{fffd}'),
        0x7f => '\u{2421}',
        // C1 controls, and the marks that turn the direction of text around.
        0x80..=0x9f | 0x202a..=0x202e | 0x2066..=0x2069 => '\u{fffd}',
        _ => c,
    }
}

/// The columns a text takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The text in one line of at most so many columns; `…` shows that something was left out.
pub(crate) fn shortened(text: &str, columns: usize) -> String {
    let line = visible(text);
    if line.width() <= columns {
        return line;
    }
    let mut short = String::new();
    let mut used = 1;
    for c in line.chars() {
        used += c.width().unwrap_or(0);
        if used > columns {
            break;
        }
        short.push(c);
    }
    format!("{short}…")
}

/// A word as a shell reads it back.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Every line with so many spaces before it.
pub(crate) fn indented(text: &str, spaces: usize) -> String {
    let pad = " ".repeat(spaces);
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            if line.is_empty() {
                String::new()
            } else {
                format!("{pad}{line}")
            }
        })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units_at_most() {
        let cases = [
            (999, "999 ms"),
            (1_250, "1.2 s"),
            (42_900, "42 s"),
            (60_000, "1 min"),
            (61_000, "1 min 1 s"),
            (3_600_000, "1 h"),
            (90_061_000, "1 d 1 h"),
        ];
        for (millis, text) in cases {
            assert_eq!(duration(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn sizes_keep_one_decimal() {
        assert_eq!(size(1_023), "1023 bytes");
        assert_eq!(size(1_536), "1.5 KiB");
        assert_eq!(size(3 * 1_024 * 1_024), "3.0 MiB");
    }

    #[test]
    fn a_terminal_is_not_made_to_obey() {
        assert_eq!(visible("\x1b[31mred\r\n"), "␛[31mred␍␊");
        assert_eq!(visible_lines("a\nb\u{9b}\u{202e}"), "a\nb\u{fffd}\u{fffd}");
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(shortened("abcdef", 6), "abcdef");
        assert_eq!(shortened("abcdef", 5), "abcd…");
        assert_eq!(shortened("日本語", 5), "日本…");
    }

    #[test]
    fn moments_are_in_utc() {
        assert_eq!(moment(Timestamp::from_millis(1_000)), "1970-01-01 00:00:01Z");
        assert_eq!(time_of_day(Timestamp::from_millis(1_005)), "00:00:01.005");
    }

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(quoted("/var/lib/x-1"), "/var/lib/x-1");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
