//! Rendering: Jinja's language, with a name that has no value as an error.

use minijinja::{AutoEscape, Environment, UndefinedBehavior, syntax::SyntaxConfig, value::Serde};
use runwright_sdk::Failure;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Which delimiters a template has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Syntax {
    /// `<%= value %>`, `<% statement %>`, `<%# comment %>`.
    #[default]
    Runbook,
    /// `{{ value }}`, `{% statement %}`, `{# comment #}`.
    Jinja,
}

/// The text. A line that holds only a statement leaves no empty line behind.
pub(crate) fn render(
    name: &str,
    template: &str,
    syntax: Syntax,
    values: Map<String, Value>,
) -> Result<String, Failure> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // Its default would escape HTML in a template whose name ends in `.html`: what is rendered here is text.
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_syntax(delimiters(syntax));
    environment
        .render_named_str(name, template, Serde(values))
        .map_err(|error| wrong(name, &error))
}

fn delimiters(syntax: Syntax) -> SyntaxConfig {
    let mut builder = SyntaxConfig::builder();
    builder
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true);
    if syntax == Syntax::Runbook {
        builder
            .variable_delimiters("<%=", "%>")
            .block_delimiters("<%", "%>")
            .comment_delimiters("<%#", "%>");
    }
    builder.build().expect("the delimiters differ from each other")
}

fn wrong(name: &str, error: &minijinja::Error) -> Failure {
    let place = error.line().map_or_else(String::new, |line| format!(" in line {line}"));
    let detail = error.detail().map_or_else(
        || error.kind().to_string(),
        |detail| format!("{}: {detail}", error.kind()),
    );
    Failure::invalid(format!(
        "`{name}` cannot be rendered{place}: {detail}; what a template uses must be in `Values`"
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rendered(template: &str, values: Value) -> Result<String, String> {
        let Value::Object(values) = values else {
            panic!("values are a map")
        };
        render("Template", template, Syntax::Runbook, values).map_err(|failure| failure.message)
    }

    #[test]
    fn text_around_the_delimiters_stays_as_it_is() {
        let text = "cat <<EOF\n${HOME} [[ -f x ]] {{ y }} {% z %} <a>%\nEOF\n";
        assert_eq!(rendered(text, json!({})).as_deref(), Ok(text));
        assert_eq!(
            rendered("<%= a|upper %>&<%= b %>", json!({"a": "x", "b": "<'>"})).as_deref(),
            Ok("X&<'>")
        );
    }

    #[test]
    fn a_missing_name_says_where() {
        let message = rendered("a\n<%= name %>", json!({"nam": 1})).unwrap_err();
        assert!(
            message.starts_with("`Template` cannot be rendered in line 2: undefined value"),
            "{message}"
        );
    }
}
