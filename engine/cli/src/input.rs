//! Parameters from the command line: `-p Name=value`, `-p Name=@file`, `--parameters FILE`.
//!
//! Values stay text here: the engine knows the types and converts.

use std::{fs, io::Read as _, path::Path};

use serde_json::{Map, Value};

use crate::problem::Problem;

/// The parameters of a file with those given one by one put over them.
pub(crate) fn parameters(file: Option<&Path>, single: &[String]) -> Result<Map<String, Value>, Problem> {
    let mut all = match file {
        Some(path) => from_file(path)?,
        None => Map::new(),
    };
    let mut seen = Vec::new();
    for word in single {
        let (name, value) = assignment(word)?;
        if seen.contains(&name) {
            return Err(Problem::bad_input(format!("parameter `{name}` is given twice"))
                .help(format!("for a list write `-p '{name}=[\"a\", \"b\"]'`")));
        }
        all.insert(name.to_owned(), Value::String(value));
        seen.push(name);
    }
    Ok(all)
}

fn assignment(word: &str) -> Result<(&str, String), Problem> {
    let (name, value) = word
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| {
            Problem::bad_input(format!("`-p {word}` is no parameter")).help("write `-p Name=value`, or `-p Name=@file`")
        })?;
    let value = match value.strip_prefix('@') {
        Some(rest) if rest.starts_with('@') => rest.to_owned(),
        Some(path) => read(Path::new(path))?,
        None => value.to_owned(),
    };
    Ok((name, value))
}

fn from_file(path: &Path) -> Result<Map<String, Value>, Problem> {
    let text = read(path)?;
    // YAML is a superset of JSON, so one reader does.
    let value: Value = serde_yaml::from_str(&text)
        .map_err(|why| Problem::bad_input(format!("{} is neither JSON nor YAML: {why}", path.display())))?;
    match value {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Err(Problem::bad_input(format!(
            "{} holds no map of parameters",
            path.display()
        ))
        .help("write a map of name to value, as in `Version: 7`")),
    }
}

/// A file's text; standard input for `-`.
pub(crate) fn read(path: &Path) -> Result<String, Problem> {
    let text = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(path)
    };
    text.map_err(|why| Problem::bad_input(format!("cannot read {}: {why}", path.display())))
}

/// An input of a step, as in `deploy.Version=8`.
pub(crate) fn step_input(word: &str) -> Result<(String, String, Value), Problem> {
    let split = word.split_once('=').and_then(|(place, value)| {
        let (step, key) = place.split_once('.')?;
        (!step.is_empty() && !key.is_empty()).then(|| (step.to_owned(), key.to_owned(), json_or_text(value)))
    });
    split.ok_or_else(|| {
        Problem::bad_input(format!("`--input {word}` is no input of a step")).help("write `--input STEP.KEY=VALUE`")
    })
}

/// `KEY=VALUE` of a step that is named elsewhere: JSON, or text.
pub(crate) fn input(word: &str) -> Result<(String, Value), Problem> {
    match word.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), json_or_text(value))),
        Some(_) | None => {
            Err(Problem::bad_input(format!("`--input {word}` is no input")).help("write `--input KEY=VALUE`"))
        }
    }
}

/// A JSON value, or text that is none as a string.
pub(crate) fn json_or_text(word: &str) -> Value {
    serde_json::from_str(word).unwrap_or_else(|_| Value::String(word.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn given(words: &[&str]) -> Result<Map<String, Value>, Problem> {
        parameters(None, &words.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn values_stay_text_and_may_hold_equal_signs() {
        assert_eq!(
            given(&["A=1", "B=x=y", "C="]).unwrap(),
            *json!({"A": "1", "B": "x=y", "C": ""}).as_object().unwrap()
        );
        assert_eq!(given(&["A=@@alice"]).unwrap()["A"], "@alice");
    }

    #[test]
    fn inputs_of_steps_are_json_or_text() {
        assert_eq!(
            step_input("deploy.Commands=[\"make\"]").unwrap(),
            ("deploy".into(), "Commands".into(), json!(["make"]))
        );
        assert_eq!(step_input("a.B=x=y").unwrap().2, json!("x=y"));
        for word in ["a", "a=b", ".B=c", "a.=c"] {
            assert_eq!(
                step_input(word).unwrap_err().exit,
                crate::exit::Exit::BadInput,
                "{word}"
            );
        }
    }

    #[test]
    fn nonsense_is_bad_input() {
        for words in [&["A"] as &[&str], &["=1"], &["A=1", "A=2"], &["A=@/does/not/exist"]] {
            assert_eq!(given(words).unwrap_err().exit, crate::exit::Exit::BadInput, "{words:?}");
        }
    }

    #[test]
    fn single_parameters_win_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.yaml");
        fs::write(&file, "A: 1\nB: [x, y]\n").unwrap();
        let all = parameters(Some(&file), &["A=2".into()]).unwrap();
        assert_eq!(Value::Object(all), json!({"A": "2", "B": ["x", "y"]}));
        fs::write(&file, "- a\n").unwrap();
        assert!(parameters(Some(&file), &[]).unwrap_err().message.contains("no map"));
    }
}
