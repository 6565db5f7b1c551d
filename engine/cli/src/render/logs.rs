//! Lines of a log.

use runwright::model::log::{Level, LogLine, Stream};
use serde_json::{Value, json};

use super::{
    paint::Paint,
    text::{time_of_day, visible},
};

/// One line for people: time, step, text.
pub(crate) fn line(line: &LogLine, paint: Paint) -> String {
    let attempt = if line.attempt > 1 {
        format!("#{}", line.attempt)
    } else {
        String::new()
    };
    let text = visible(&line.text);
    let text = match (line.level, line.stream) {
        (Level::Error, _) => paint.red(&text),
        (Level::Warn, _) | (_, Stream::Stderr) => paint.yellow(&text),
        (Level::Debug, _) | (_, Stream::Progress) => paint.dim(&text),
        (Level::Info, Stream::Log | Stream::Stdout) => text,
    };
    let step = if line.step.is_empty() { "-" } else { &line.step };
    format!(
        "{}  {}{attempt}  {text}",
        paint.dim(&time_of_day(line.at)),
        paint.cyan(step)
    )
}

/// One line for programs: the log line with its number.
pub(crate) fn object(number: u64, line: &LogLine) -> Value {
    let mut object = json!({ "line": number });
    if let (Value::Object(into), Ok(Value::Object(from))) = (&mut object, serde_json::to_value(line)) {
        into.extend(from);
    }
    object
}

#[cfg(test)]
mod tests {
    use runwright::model::time::Timestamp;

    use super::*;

    #[test]
    fn escapes_are_shown() {
        let it = LogLine {
            at: Timestamp::from_millis(1_500),
            step: "fetch".into(),
            attempt: 2,
            level: Level::Info,
            stream: Stream::Stdout,
            text: "\x1b[2Jdone".into(),
        };
        assert_eq!(line(&it, Paint(false)), "00:00:01.500  fetch#2  ␛[2Jdone");
        assert_eq!(object(7, &it)["line"], 7);
        assert_eq!(object(7, &it)["stream"], "stdout");
    }
}
