//! A grant of commands: which program with which arguments, as whom, with what in its environment.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::pattern::matches;
use crate::capability::commands::Command;

/// Commands that may be run. Written as a text, or as a map when more than the command is said:
///
/// ```yaml
/// - systemctl                                        # with any arguments
/// - kubectl get *                                    # with these: a last `*` stands for all that follow
/// - {run: systemctl restart web-*, as: [root], env: [LANG]}
/// - "*"                                              # any command, as anybody, with any environment
/// ```
///
/// Words are divided by blanks; each is a pattern for one word of the command, in which `*` stands for any text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct CommandGrant {
    /// Program, and arguments if they count.
    pub run: String,
    /// Users it may run as, beside the engine's own.
    pub run_as: Vec<String>,
    /// Names that may be set in its environment.
    pub env: Vec<String>,
}

/// How people write it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Map(Map),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Map {
    run: String,
    #[serde(default, rename = "as", skip_serializing_if = "Vec::is_empty")]
    run_as: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    env: Vec<String>,
}

impl From<Written> for CommandGrant {
    fn from(written: Written) -> Self {
        match written {
            Written::Text(run) => Self::from(run),
            Written::Map(Map { run, run_as, env }) => Self { run, run_as, env },
        }
    }
}

impl From<CommandGrant> for Written {
    fn from(grant: CommandGrant) -> Self {
        if grant == CommandGrant::from(grant.run.clone()) {
            return Self::Text(grant.run);
        }
        let CommandGrant { run, run_as, env } = grant;
        Self::Map(Map { run, run_as, env })
    }
}

impl From<String> for CommandGrant {
    fn from(run: String) -> Self {
        let any = if run == "*" { vec!["*".to_owned()] } else { Vec::new() };
        Self {
            run_as: any.clone(),
            env: any,
            run,
        }
    }
}

impl CommandGrant {
    /// The grant that a command needs, and no more.
    #[must_use]
    pub fn of(command: &Command) -> Self {
        Self {
            run: command.arguments.join(" "),
            run_as: command.run_as.iter().cloned().collect(),
            env: command.environment.keys().cloned().collect(),
        }
    }

    /// Whether the command may be run.
    #[must_use]
    pub fn covers(&self, command: &Command) -> bool {
        let named = |list: &[String], name: &String| list.iter().any(|pattern| matches(pattern, name));
        self.covers_words(&command.arguments)
            && command.run_as.iter().all(|user| named(&self.run_as, user))
            && command.environment.keys().all(|name| named(&self.env, name))
    }

    fn covers_words(&self, words: &[String]) -> bool {
        let patterns: Vec<&str> = self.run.split_whitespace().collect();
        let fits = |patterns: &[&str]| patterns.iter().zip(words).all(|(pattern, word)| matches(pattern, word));
        match patterns.as_slice() {
            [] => false,
            [program] => words.first().is_some_and(|word| matches(program, word)),
            [first @ .., "*"] => words.len() >= first.len() && fits(first),
            all => words.len() == all.len() && fits(all),
        }
    }
}

impl fmt::Display for CommandGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::from(self.run.clone()) {
            return f.write_str(&self.run);
        }
        write!(f, "{{run: {}", self.run)?;
        if !self.run_as.is_empty() {
            write!(f, ", as: [{}]", self.run_as.join(", "))?;
        }
        if !self.env.is_empty() {
            write!(f, ", env: [{}]", self.env.join(", "))?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &str) -> Command {
        Command {
            arguments: words.split(' ').map(str::to_owned).collect(),
            ..Command::default()
        }
    }

    fn covers(grant: &str, words: &str) -> bool {
        CommandGrant::from(grant.to_owned()).covers(&command(words))
    }

    #[test]
    fn a_program_alone_takes_any_arguments() {
        assert!(covers("systemctl", "systemctl") && covers("systemctl", "systemctl stop web"));
        assert!(covers("/usr/local/bin/*", "/usr/local/bin/tool x"));
        assert!(!covers("systemctl", "systemctl2") && !covers("", ""));
    }

    #[test]
    fn words_are_patterns_for_one_argument_each() {
        let grant = "systemctl restart web-*";
        assert!(covers(grant, "systemctl restart web-1"));
        for other in [
            "systemctl restart db",
            "systemctl restart",
            "systemctl restart web-1 db",
            "systemctl stop web-1",
        ] {
            assert!(!covers(grant, other), "{other}");
        }
        assert!(covers("kubectl get *", "kubectl get") && covers("kubectl get *", "kubectl get pods -A"));
        assert!(!covers("kubectl get *", "kubectl delete pods"));
        // One argument with a blank in it is not two.
        let blank = Command {
            arguments: vec!["systemctl".into(), "restart web-1".into()],
            ..Command::default()
        };
        assert!(!CommandGrant::from(grant.to_owned()).covers(&blank));
    }

    #[test]
    fn other_users_and_environments_are_grants_of_their_own() {
        let as_root = Command {
            run_as: Some("root".into()),
            ..command("id")
        };
        let preloaded = Command {
            environment: [("LD_PRELOAD".to_owned(), "/x.so".to_owned())].into(),
            ..command("id")
        };
        let plain = CommandGrant::from("id".to_owned());
        assert!(plain.covers(&command("id")) && !plain.covers(&as_root) && !plain.covers(&preloaded));
        for needed in [&as_root, &preloaded] {
            assert!(CommandGrant::of(needed).covers(needed));
            assert!(CommandGrant::from("*".to_owned()).covers(needed));
        }
        assert_eq!(CommandGrant::of(&as_root).to_string(), "{run: id, as: [root]}");
    }

    #[test]
    fn a_text_stays_a_text() {
        for text in [
            "\"*\"",
            "\"kubectl get *\"",
            r#"{"run":"id","as":["root"],"env":["LC_*"]}"#,
        ] {
            let grant: CommandGrant = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&grant).unwrap(), text);
        }
        assert!(serde_json::from_str::<CommandGrant>(r#"{"run":"id","user":"root"}"#).is_err());
    }
}
