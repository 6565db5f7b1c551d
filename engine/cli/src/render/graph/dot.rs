//! Graphviz.

use super::drawing::{Drawing, Edge, EdgeKind};

/// The drawing as a `digraph`.
pub(crate) fn draw(drawing: &Drawing) -> String {
    let mut out = format!("digraph {} {{\n", quoted(&drawing.runbook));
    out.push_str("  rankdir=TB;\n  node [shape=box, style=rounded, fontname=\"Helvetica\", fontsize=11];\n");
    out.push_str("  edge [fontname=\"Helvetica\", fontsize=9];\n");
    for (at, node) in drawing.nodes.iter().enumerate() {
        let mut label = format!("{}\n{}", node.name, node.action);
        if node.rollback {
            label.push_str(" ↩");
        }
        if let Some(when) = &node.when {
            label.push_str(&format!("\nwhen {when}"));
        }
        let shape = if node.branches {
            ", shape=diamond, style=solid"
        } else {
            ""
        };
        let last = if node.ends { ", peripheries=2" } else { "" };
        out.push_str(&format!("  s{at} [label={}{shape}{last}];\n", quoted(&label)));
    }
    for edge in &drawing.edges {
        out.push_str(&format!("  s{} -> s{}{};\n", edge.from, edge.to, attributes(edge)));
    }
    out.push_str("}\n");
    out
}

fn attributes(edge: &Edge) -> String {
    let mut all: Vec<String> = edge
        .label
        .iter()
        .map(|label| format!("label={}", quoted(label)))
        .collect();
    match edge.kind {
        EdgeKind::Next | EdgeKind::Branch => {}
        EdgeKind::Failure => all.extend(["style=dashed".into(), "color=\"#b3261e\"".into()]),
        EdgeKind::Cancel => all.push("style=dotted".into()),
    }
    if edge.reentry {
        all.push("constraint=false".into());
    }
    if all.is_empty() {
        String::new()
    } else {
        format!(" [{}]", all.join(", "))
    }
}

fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
    )
}

#[cfg(test)]
mod tests {
    use super::{super::drawing::tests::sketch, *};

    #[test]
    fn failures_are_dashed_and_labels_are_quoted() {
        let text = draw(&sketch("abc", "a?b a!c"));
        assert!(text.contains(r#"s0 -> s1 [label="x = \"b\""];"#), "{text}");
        assert!(text.contains("s0 -> s2 [label=\"on failure\", style=dashed"), "{text}");
        assert!(text.contains("s0 [label=\"a\\naws:sleep ↩\", shape=diamond"), "{text}");
    }
}
