//! Parameters, with values that may be seen.

use runwright::model::capability::parameters::{Parameter, ParameterType};
use serde_json::{Value, json};

use super::{
    table::{Cell, table},
    text::moment,
};

/// Stands for the value of a secret, whatever its length.
pub(crate) const MASK: &str = "********";

/// A parameter, and the value that is shown for it.
pub(crate) struct Shown {
    pub(crate) parameter: Parameter,
    /// The value, or the mask.
    pub(crate) value: String,
}

/// For programs.
pub(crate) fn object(shown: &Shown) -> Value {
    let parameter = &shown.parameter;
    json!({
        "name": parameter.name,
        "type": type_name(parameter.parameter_type),
        "value": shown.value,
        "version": parameter.version,
        "modified": parameter.modified,
        "labels": parameter.labels,
    })
}

/// Several, for programs.
pub(crate) fn objects(all: &[Shown]) -> Vec<Value> {
    all.iter().map(object).collect()
}

/// What became of a change: `/app/url version 3 (stable)`.
pub(crate) fn written(parameter: &Parameter) -> String {
    let labels = if parameter.labels.is_empty() {
        String::new()
    } else {
        format!(" ({})", parameter.labels.join(", "))
    };
    format!("{} version {}{labels}\n", parameter.name, parameter.version)
}

/// Parameters in a table.
pub(crate) fn list(all: &[Shown], columns: Option<usize>) -> String {
    if all.is_empty() {
        return "no parameters\n".to_owned();
    }
    let row = |shown: &Shown| -> Vec<Cell> {
        let it = &shown.parameter;
        vec![
            it.name.as_str().into(),
            type_name(it.parameter_type).into(),
            it.version.to_string().into(),
            moment(it.modified).into(),
            shown.value.as_str().into(),
        ]
    };
    table(
        &["NAME", "TYPE", "VERSION", "MODIFIED", "VALUE"],
        &all.iter().map(row).collect::<Vec<_>>(),
        columns,
    )
}

/// The versions of one parameter in a table.
pub(crate) fn history(all: &[Shown], columns: Option<usize>) -> String {
    let row = |shown: &Shown| -> Vec<Cell> {
        let it = &shown.parameter;
        vec![
            it.version.to_string().into(),
            type_name(it.parameter_type).into(),
            moment(it.modified).into(),
            it.labels.join(",").into(),
            shown.value.as_str().into(),
        ]
    };
    table(
        &["VERSION", "TYPE", "MODIFIED", "LABELS", "VALUE"],
        &all.iter().map(row).collect::<Vec<_>>(),
        columns,
    )
}

fn type_name(kind: ParameterType) -> &'static str {
    match kind {
        ParameterType::String => "String",
        ParameterType::StringList => "StringList",
        ParameterType::SecureString => "SecureString",
    }
}
