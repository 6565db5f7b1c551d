//! Targets from the command line, in the shorthand of the AWS CLI or as JSON.

use std::collections::BTreeMap;

use runwright::{Target, Targets};
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// What a runbook is to run on
#[derive(Debug, Default, clap::Args)]
pub(crate) struct TargetArgs {
    /// Run once for each target, with the target in this parameter
    #[arg(long, value_name = "NAME", requires = "targets")]
    target_parameter_name: Option<String>,
    /// Which targets: `Key=ParameterValues,Values=a,b`
    #[arg(long, value_name = "TARGETS", requires = "target_parameter_name")]
    targets: Option<String>,
    /// Run once for each of these maps of parameters: `Name=a,Other=b`, or a JSON list
    #[arg(long, value_name = "MAP", conflicts_with = "targets")]
    target_maps: Vec<String>,
    /// How many targets run at once, as a number or `20%`; begins with one, then two, then four [default: 10]
    #[arg(long, value_name = "N|N%")]
    max_concurrency: Option<String>,
    /// How many targets may fail before no other begins, as a number or `20%` [default: 0]
    #[arg(long, value_name = "N|N%")]
    max_errors: Option<String>,
    /// Begin with as many targets as may run at once
    #[arg(long)]
    at_once: bool,
}

impl TargetArgs {
    /// The targets; `None` when the runbook runs once.
    pub(crate) fn read(&self) -> Result<Option<Targets>, Problem> {
        let mut maps = Vec::new();
        for text in &self.target_maps {
            maps.extend(target_maps(text)?);
        }
        let targets = match &self.targets {
            Some(text) => targets(text)?,
            None => Vec::new(),
        };
        if targets.is_empty() && maps.is_empty() && self.target_maps.is_empty() {
            let alone = [
                ("max-concurrency", self.max_concurrency.is_some()),
                ("max-errors", self.max_errors.is_some()),
                ("at-once", self.at_once),
            ];
            return match alone.iter().find(|(_, given)| *given) {
                Some((name, _)) => Err(Problem::bad_input(format!("`--{name}` is for runs on targets"))
                    .help("name them with `--targets` or `--target-maps`")),
                None => Ok(None),
            };
        }
        Ok(Some(Targets {
            parameter: self.target_parameter_name.clone(),
            targets,
            maps,
            max_concurrency: self.max_concurrency.clone(),
            max_errors: self.max_errors.clone(),
            at_once: self.at_once,
        }))
    }
}

fn json<T: DeserializeOwned>(option: &str, text: &str) -> Result<T, Problem> {
    serde_json::from_str(text).map_err(|why| Problem::bad_input(format!("`--{option}` is no JSON of its kind: {why}")))
}

fn targets(text: &str) -> Result<Vec<Target>, Problem> {
    match text.trim_start().chars().next() {
        Some('[') => return json("targets", text),
        Some('{') => return json("targets", text).map(|target| vec![target]),
        Some(_) | None => {}
    }
    let read = || {
        let (key, values) = text.trim().strip_prefix("Key=")?.split_once(",Values=")?;
        let values = values.split(',').filter(|value| !value.is_empty());
        Some(Target {
            key: key.to_owned(),
            values: values.map(str::to_owned).collect(),
        })
    };
    let wrong = || {
        Problem::bad_input(format!("`--targets {text}` names no targets"))
            .help("write `--targets Key=ParameterValues,Values=a,b`")
    };
    read().map(|target| vec![target]).ok_or_else(wrong)
}

fn target_maps(text: &str) -> Result<Vec<BTreeMap<String, Vec<String>>>, Problem> {
    match text.trim_start().chars().next() {
        Some('[') => return json("target-maps", text),
        Some('{') => return json("target-maps", text).map(|map| vec![map]),
        Some(_) | None => {}
    }
    let mut map: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for word in text.split(',') {
        let Some((name, value)) = word.split_once('=') else {
            return Err(
                Problem::bad_input(format!("`--target-maps {text}` is no map of parameters"))
                    .help("write `--target-maps Name=a,Other=b`, once for each target"),
            );
        };
        map.entry(name.trim().to_owned()).or_default().push(value.to_owned());
    }
    Ok(vec![map])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_shorthand_or_json() {
        let expected = vec![Target {
            key: "ParameterValues".into(),
            values: vec!["a".into(), "b".into()],
        }];
        for text in [
            "Key=ParameterValues,Values=a,b",
            r#"{"Key": "ParameterValues", "Values": ["a", "b"]}"#,
            r#"[{"Key": "ParameterValues", "Values": ["a", "b"]}]"#,
        ] {
            assert_eq!(targets(text).ok(), Some(expected.clone()), "{text}");
        }
        assert!(targets("a,b").is_err());
    }

    #[test]
    fn maps_are_shorthand_or_json() {
        let map = |pairs: &[(&str, &[&str])]| -> BTreeMap<String, Vec<String>> {
            let values = |list: &[&str]| list.iter().map(|value| (*value).to_owned()).collect();
            pairs
                .iter()
                .map(|(name, list)| ((*name).to_owned(), values(list)))
                .collect()
        };
        assert_eq!(
            target_maps("Node=a,Zone=x,Zone=y").ok(),
            Some(vec![map(&[("Node", &["a"]), ("Zone", &["x", "y"])])])
        );
        assert_eq!(
            target_maps(r#"[{"Node": ["a"]}, {"Node": ["b"]}]"#).ok(),
            Some(vec![map(&[("Node", &["a"])]), map(&[("Node", &["b"])])])
        );
        assert!(target_maps("a").is_err());
    }
}
