//! Mermaid, which many places draw inside Markdown.

use super::drawing::{Drawing, Edge, EdgeKind};

/// The drawing as a flowchart.
pub(crate) fn draw(drawing: &Drawing) -> String {
    let mut out = "flowchart TD\n".to_owned();
    for (at, node) in drawing.nodes.iter().enumerate() {
        let mut label = format!("{}<br/><small>{}</small>", escaped(&node.name), escaped(&node.action));
        if node.rollback {
            label.push_str(" ↩");
        }
        if let Some(when) = &node.when {
            label.push_str(&format!("<br/><small>when {}</small>", escaped(when)));
        }
        let (open, close) = if node.branches { ("{", "}") } else { ("(", ")") };
        out.push_str(&format!("    s{at}{open}\"{label}\"{close}\n"));
    }
    for edge in &drawing.edges {
        out.push_str(&format!("    s{} {} s{}\n", edge.from, arrow(edge), edge.to));
    }
    let failures: Vec<String> = drawing
        .edges
        .iter()
        .enumerate()
        .filter(|(_, edge)| edge.kind == EdgeKind::Failure)
        .map(|(at, _)| at.to_string())
        .collect();
    if !failures.is_empty() {
        out.push_str(&format!("    linkStyle {} stroke:#b3261e\n", failures.join(",")));
    }
    out
}

fn arrow(edge: &Edge) -> String {
    let line = match edge.kind {
        EdgeKind::Next | EdgeKind::Branch => "-->",
        EdgeKind::Failure | EdgeKind::Cancel => "-.->",
    };
    match &edge.label {
        Some(label) => format!("{line}|\"{}\"|", escaped(label)),
        None => line.to_owned(),
    }
}

/// Mermaid's own entities: a quotation mark would end the label.
fn escaped(text: &str) -> String {
    text.replace('#', "#35;")
        .replace('"', "#quot;")
        .replace('<', "#lt;")
        .replace('>', "#gt;")
}

#[cfg(test)]
mod tests {
    use super::{super::drawing::tests::sketch, *};

    #[test]
    fn labels_do_not_end_early() {
        let text = draw(&sketch("abc", "a?b a!c"));
        assert!(text.contains("s0 -->|\"x = #quot;b#quot;\"| s1"), "{text}");
        assert!(text.contains("s0 -.->|\"on failure\"| s2"), "{text}");
        assert!(text.contains("linkStyle 1 stroke"), "{text}");
    }
}
