//! Plugins: what they are, what they take, what they give, what they want.

use runwright::{
    model::{
        action::Impact,
        schema::{Additional, Schema},
    },
    scenario::Checkup,
    view::{PluginView, SignatureView},
};

use super::{
    execution::section,
    paint::Paint,
    table::{Cell, table},
    text::{count, size, visible, visible_lines},
};

/// Plugins in a table.
pub(crate) fn list(plugins: &[PluginView], columns: Option<usize>) -> String {
    let rows: Vec<Vec<Cell>> = plugins
        .iter()
        .map(|plugin| {
            let manifest = &plugin.manifest;
            vec![
                manifest.action.as_str().into(),
                manifest.version.as_str().into(),
                impact(manifest.impact).into(),
                if manifest.rollback { "yes" } else { "no" }.into(),
                manifest.description.as_str().into(),
            ]
        })
        .collect();
    table(
        &["ACTION", "VERSION", "IMPACT", "ROLLBACK", "WHAT IT DOES"],
        &rows,
        columns,
    )
}

/// One plugin, whole.
pub(crate) fn inspect(plugin: &PluginView, paint: Paint) -> String {
    let manifest = &plugin.manifest;
    let rollback = if manifest.rollback {
        "undoes what it did"
    } else {
        "none"
    };
    let size = size(plugin.size);
    let heads: [[&str; 2]; 7] = [
        ["Version", &manifest.version],
        ["Impact", impact(manifest.impact)],
        ["Rollback", rollback],
        ["Origin", &plugin.origin],
        ["Size", &size],
        ["Digest", &plugin.component],
        ["Language", plugin.language.unwrap_or("unknown")],
    ];
    let mut out = format!(
        "{}\n{}\n\n",
        paint.bold(&manifest.action),
        visible(&manifest.description)
    );
    out.extend(
        heads
            .iter()
            .map(|[name, text]| format!("{name:<10} {}\n", visible(text))),
    );
    if let Some(signature) = &plugin.signature {
        out.push_str(&format!("{:<10} {}\n", "Signed", signed(signature)));
    }
    out.push_str(&section("Inputs", &shape(&manifest.inputs)));
    out.push_str(&section("Outputs", &shape(&manifest.outputs)));
    let wants: Vec<String> = manifest
        .capabilities
        .iter()
        .map(|want| format!("{:<10}  {}", want.capability, visible(&want.why)))
        .collect();
    let wants = if wants.is_empty() {
        "none".to_owned()
    } else {
        wants.join("\n")
    };
    out.push_str(&section("Capabilities", &wants));
    out
}

/// What came of a look at a plugin.
pub(crate) fn checkup(checkup: &Checkup, paint: Paint) -> String {
    let mut out = String::new();
    if let Some(plugin) = &checkup.plugin {
        let manifest = &plugin.manifest;
        let language = plugin.language.unwrap_or("of an unknown language");
        out += &format!(
            "{} {}, {}, {language}\n",
            paint.bold(&manifest.action),
            visible(&manifest.version),
            size(plugin.size)
        );
        out += &format!(
            "ok  imports: all {} are offered\n",
            count(plugin.imports.len(), "interface")
        );
        out += "ok  manifest: its schemas can be read\n";
    }
    if let Some(tried) = &checkup.tried {
        let status = tried.status.map_or("not begun", |status| status.as_str());
        let stops = count(tried.stops, "stop");
        out += &format!(
            "tried with {}: {status}, also after {stops} of the engine\n",
            tried.inputs
        );
        if let Some(denied) = &tried.denied {
            let status = denied.status.map_or("not begun", |status| status.as_str());
            let why = denied
                .failure
                .as_deref()
                .map_or_else(String::new, |why| format!(": {}", visible_lines(why)));
            out += &format!("tried with every capability denied: {status}{why}\n");
        }
    }
    for remark in &checkup.remarks {
        out += &format!("note  {}\n", visible_lines(&remark.message));
    }
    for problem in &checkup.problems {
        let code = problem.code.as_deref().unwrap_or_default();
        out += &format!("{} {code}  {}\n", paint.red("problem"), visible_lines(&problem.message));
    }
    out
}

/// Who signed it, in a few words.
fn signed(signature: &SignatureView) -> String {
    match (signature.signatures, signature.by.as_slice()) {
        (0, _) => "no".to_owned(),
        (number, []) => format!("{}, none by a key of the operator's policy", count(number, "signature")),
        (_, names) => format!("by {}", names.join(", ")),
    }
}

/// The word for an impact.
pub(crate) fn impact(impact: Impact) -> &'static str {
    match impact {
        Impact::Mutating => "mutating",
        Impact::NonMutating => "non-mutating",
        Impact::Undetermined => "undetermined",
    }
}

/// The properties of an object, a line each; those that must be there first.
fn shape(schema: &Schema) -> String {
    let mut names: Vec<&String> = schema.properties.keys().collect();
    names.sort_by_key(|name| !schema.required.contains(name));
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for name in names {
        let property = &schema.properties[name];
        let need = if schema.required.contains(name) { "required" } else { "" };
        rows.push(vec![
            name.into(),
            type_of(property).into(),
            need.into(),
            remarks(property).into(),
        ]);
    }
    let others = match &schema.additional_properties {
        Some(Additional::Shape(other)) => Some(type_of(other)),
        Some(Additional::Allowed(true)) => Some("any".to_owned()),
        Some(Additional::Allowed(false)) | None => None,
    };
    if let Some(kind) = others {
        rows.push(vec!["(any other)".into(), kind.into(), "".into(), "".into()]);
    }
    if rows.is_empty() {
        "none".to_owned()
    } else {
        table(&["", "", "", ""], &rows, None).trim_end().to_owned()
    }
}

/// The type in a few words, as in `list of string`.
fn type_of(schema: &Schema) -> String {
    use runwright::model::schema::Kind;
    if !schema.any_of.is_empty() {
        let kinds: Vec<String> = schema.any_of.iter().map(type_of).collect();
        return kinds.join(" or ");
    }
    match (schema.kind, &schema.items) {
        (Some(Kind::Array), Some(items)) => format!("list of {}", type_of(items)),
        (Some(Kind::Array), None) => "list".to_owned(),
        (Some(Kind::Object), _) => "map".to_owned(),
        (Some(kind), _) => kind.as_str().to_owned(),
        (None, _) => "any".to_owned(),
    }
}

fn remarks(schema: &Schema) -> String {
    let mut parts: Vec<String> = schema.description.iter().cloned().collect();
    if !schema.one_of.is_empty() {
        let values: Vec<String> = schema.one_of.iter().map(super::text::value).collect();
        parts.push(format!("One of {}.", values.join(", ")));
    }
    if let Some(default) = &schema.default {
        parts.push(format!("Default {default}."));
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_read_as_lines() {
        let schema: Schema = serde_json::from_value(serde_json::json!({
            "type": "object", "required": ["Hosts"], "additionalProperties": false,
            "properties": {
                "Hosts": {"type": "array", "items": {"type": "string"}, "description": "Where."},
                "Force": {"anyOf": [{"type": "boolean"}, {"type": "string"}], "default": false}
            }
        }))
        .unwrap();
        assert_eq!(
            shape(&schema),
            "Hosts  list of string     required  Where.\nForce  boolean or string            Default false."
        );
        assert_eq!(shape(&Schema::default()), "none");
    }
}
