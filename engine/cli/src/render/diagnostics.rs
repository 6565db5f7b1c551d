//! What the compiler found in a document, in the manner of rustc: the line shown, the place marked.

use annotate_snippets::{AnnotationKind, Group, Level, Patch, Renderer, Snippet};
use runwright::{Diagnostic, Severity, Source, Span};

use super::text::{count, visible_lines};

/// All findings, and a line that counts them. Empty when there is none.
pub(crate) fn report(source: &Source, found: &[Diagnostic], colour: bool) -> String {
    if found.is_empty() {
        return String::new();
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for diagnostic in found {
        out.push_str(&renderer.render(&groups(source, diagnostic)));
        out.push_str("\n\n");
    }
    out.push_str(&totals(source, found));
    out.push('\n');
    out
}

/// `deploy.yaml: 2 errors, 1 warning`.
fn totals(source: &Source, found: &[Diagnostic]) -> String {
    let errors = found.iter().filter(|d| d.severity == Severity::Error).count();
    let warnings = found.len() - errors;
    let parts: Vec<String> = [(errors, "error"), (warnings, "warning")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, noun)| count(number, noun))
        .collect();
    let code = found
        .iter()
        .find(|d| d.severity == Severity::Error)
        .unwrap_or(&found[0])
        .code;
    format!(
        "{}: {}; `runwright explain {code}` says more",
        source.origin,
        parts.join(", ")
    )
}

fn groups<'a>(source: &'a Source, diagnostic: &'a Diagnostic) -> Vec<Group<'a>> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut primary = AnnotationKind::Primary.span(within(source, &diagnostic.span));
    if let Some(label) = &diagnostic.label {
        primary = primary.label(visible_lines(label));
    }
    let related = diagnostic.related.iter().map(|(span, words)| {
        AnnotationKind::Context
            .span(within(source, span))
            .label(visible_lines(words))
    });
    let snippet = Snippet::source(&source.text)
        .path(&source.origin)
        .annotation(primary)
        .annotations(related);
    let title = level
        .primary_title(visible_lines(&diagnostic.message))
        .id(diagnostic.code);
    let mut group = title.element(snippet);
    let mut groups = Vec::new();
    match (&diagnostic.help, &diagnostic.fix) {
        (help, Some(fix)) => {
            let help = help.as_deref().unwrap_or("write");
            let patch = Patch::new(within(source, &diagnostic.span), fix);
            groups.push(group);
            groups.push(
                Level::HELP
                    .secondary_title(visible_lines(help))
                    .element(Snippet::source(&source.text).path(&source.origin).patch(patch)),
            );
        }
        (Some(help), None) => {
            group = group.element(Level::HELP.message(visible_lines(help)));
            groups.push(group);
        }
        (None, None) => groups.push(group),
    }
    groups
}

/// The span's bytes, brought inside the text and onto characters: a rendering may not fail over a bad span.
fn within(source: &Source, span: &Span) -> std::ops::Range<usize> {
    let floor = |at: usize| {
        let mut at = at.min(source.text.len());
        while !source.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(span.bytes.start);
    start..floor(span.bytes.end).max(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> Source {
        Source {
            name: "x".into(),
            origin: "x.yaml".into(),
            text: "mainSteps:\n  - name: a\n    action: aws:slep\n".into(),
        }
    }

    fn finding(bytes: std::ops::Range<usize>, fix: Option<&str>) -> Diagnostic {
        Diagnostic {
            code: "RW-C012",
            severity: Severity::Error,
            message: "there is no action `aws:slep`".into(),
            span: Span {
                bytes,
                line: 3,
                column: 13,
            },
            label: Some("unknown action".into()),
            related: Vec::new(),
            help: Some("did you mean `aws:sleep`?".into()),
            fix: fix.map(Into::into),
        }
    }

    #[test]
    fn a_finding_shows_code_place_and_fix() {
        let text = report(&source(), &[finding(35..43, Some("aws:sleep"))], false);
        for part in [
            "error[RW-C012]: there is no action `aws:slep`",
            "x.yaml:3:13",
            "unknown action",
            "aws:sleep",
            "x.yaml: 1 error;",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }

    #[test]
    fn spans_outside_the_text_do_not_break_it() {
        assert!(report(&source(), &[finding(900..1_000, None)], false).contains("RW-C012"));
        assert_eq!(report(&source(), &[], false), "");
    }
}
