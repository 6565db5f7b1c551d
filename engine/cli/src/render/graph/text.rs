//! A drawing for a terminal: one line per step, rails at the left, as version control draws its history.
//!
//! A rail is a column that waits for a step. Rails that wait for the same step join above it; a step that leads to
//! several forks below it. Dotted rails are taken on failure.

use runwright::model::plan::Order;

use super::drawing::{Drawing, Edge, EdgeKind};
use crate::render::{
    paint::Paint,
    text::{count, visible, width},
};

/// A column, while it is in use.
#[derive(Debug, Clone, Copy)]
struct Rail {
    /// The step it waits for.
    target: usize,
    /// Whether it is taken only when something goes wrong.
    dotted: bool,
}

/// The drawing.
pub(crate) fn draw(drawing: &Drawing, paint: Paint) -> String {
    let order = match drawing.order {
        Order::List => "list order",
        Order::Graph => "graph order",
    };
    let head = format!("{}: {}, {order}", drawing.runbook, count(drawing.nodes.len(), "step"));
    let mut out = format!("{}\n\n", paint.bold(&visible(&head)));
    let lines = lines(drawing, paint);
    let wide = lines.iter().map(|line| width(&line.rails)).max().unwrap_or(0);
    for Line { rails, words } in lines {
        let pad = " ".repeat(wide - width(&rails));
        out.push_str(format!("{rails}{pad}  {words}").trim_end());
        out.push('\n');
    }
    if drawing.nodes.iter().any(|node| node.rollback) {
        out.push_str(&format!("\n{}\n", paint.dim("↩ can be rolled back")));
    }
    out
}

/// Rails, and what is said at their right.
struct Line {
    rails: String,
    words: String,
}

fn lines(drawing: &Drawing, paint: Paint) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut rails: Vec<Option<Rail>> = Vec::new();
    let names = drawing.nodes.iter().map(|node| width(&node.name)).max().unwrap_or(0);
    for node in drawing.downwards() {
        let column = arrive(&mut rails, node, &mut lines);
        let mark = if drawing.nodes[node].branches { '◆' } else { '●' };
        lines.push(Line {
            rails: columns(&rails, Some((column, mark))),
            words: step_words(drawing, node, names, paint),
        });
        let forward: Vec<&Edge> = drawing.leaving(node).filter(|edge| !edge.reentry).collect();
        rails[column] = forward.first().map(|edge| rail(edge));
        for note in notes(drawing, node) {
            lines.push(Line {
                rails: columns(&rails, None),
                words: format!("  {}", paint.dim(&visible(&note))),
            });
        }
        fork(&mut rails, column, forward.get(1..).unwrap_or_default(), &mut lines);
        while rails.last().is_some_and(Option::is_none) {
            rails.pop();
        }
    }
    lines
}

fn rail(edge: &Edge) -> Rail {
    Rail {
        target: edge.to,
        dotted: matches!(edge.kind, EdgeKind::Failure | EdgeKind::Cancel),
    }
}

/// Joins the rails that wait for this step; answers the column it stands in.
fn arrive(rails: &mut Vec<Option<Rail>>, node: usize, lines: &mut Vec<Line>) -> usize {
    let waiting: Vec<usize> = (0..rails.len())
        .filter(|at| rails[*at].is_some_and(|rail| rail.target == node))
        .collect();
    let Some((&column, others)) = waiting.split_first() else {
        return free_column(rails, 0);
    };
    if !others.is_empty() {
        lines.push(Line {
            rails: across(rails, column, others, ('╯', '┴')),
            words: String::new(),
        });
        for at in others {
            rails[*at] = None;
        }
    }
    column
}

/// Opens a rail for each further edge.
fn fork(rails: &mut Vec<Option<Rail>>, column: usize, edges: &[&Edge], lines: &mut Vec<Line>) {
    let mut opened = Vec::new();
    for edge in edges {
        // Two edges to the same step share a rail.
        let own = |at: &usize| rails[*at].is_some_and(|rail| rail.target == edge.to);
        if own(&column) || opened.iter().any(own) {
            continue;
        }
        let at = free_column(rails, column + 1);
        rails[at] = Some(rail(edge));
        opened.push(at);
    }
    if !opened.is_empty() {
        opened.sort_unstable();
        lines.push(Line {
            rails: across(rails, column, &opened, ('╮', '┬')),
            words: String::new(),
        });
    }
}

fn free_column(rails: &mut Vec<Option<Rail>>, from: usize) -> usize {
    let free = (from..rails.len()).find(|at| rails[*at].is_none());
    free.unwrap_or_else(|| {
        while rails.len() < from {
            rails.push(None);
        }
        rails.push(None);
        rails.len() - 1
    })
}

/// A line from a column to others right of it: `├─┬─╮`. `ends` are the marks of the last and of those between.
fn across(rails: &[Option<Rail>], column: usize, others: &[usize], ends: (char, char)) -> String {
    let last = others.last().copied().unwrap_or(column);
    let mut line = String::new();
    for (at, rail) in rails.iter().enumerate() {
        let used = rail.map(|rail| if rail.dotted { '┊' } else { '│' });
        line.push(match at {
            _ if at == column => '├',
            _ if at == last => ends.0,
            _ if others.contains(&at) => ends.1,
            _ if at > column && at < last => used.map_or('─', |_| '┼'),
            _ => used.unwrap_or(' '),
        });
        line.push(if at >= column && at < last { '─' } else { ' ' });
    }
    line.trim_end().to_owned()
}

/// The rails, with a mark in one column.
fn columns(rails: &[Option<Rail>], mark: Option<(usize, char)>) -> String {
    let mut line = String::new();
    for (at, rail) in rails.iter().enumerate() {
        line.push(match (mark, rail) {
            (Some((column, mark)), _) if column == at => mark,
            (_, Some(rail)) if rail.dotted => '┊',
            (_, Some(_)) => '│',
            (_, None) => ' ',
        });
        line.push(' ');
    }
    line.trim_end().to_owned()
}

fn step_words(drawing: &Drawing, node: usize, names: usize, paint: Paint) -> String {
    let it = &drawing.nodes[node];
    let pad = " ".repeat(names - width(&it.name));
    let mut words = format!("{}{pad}  {}", paint.bold(&it.name), paint.dim(&it.action));
    if it.rollback {
        words.push_str(" ↩");
    }
    if it.ends && drawing.order == Order::List {
        words.push_str(&paint.dim("  ■ ends"));
    }
    words
}

/// What rails do not say.
fn notes(drawing: &Drawing, node: usize) -> Vec<String> {
    let it = &drawing.nodes[node];
    let mut notes: Vec<String> = it.when.iter().map(|when| format!("when {when}")).collect();
    for edge in drawing.leaving(node) {
        let to = &drawing.nodes[edge.to].name;
        let back = if edge.reentry { "↺ " } else { "" };
        match (&edge.label, edge.kind) {
            (Some(label), EdgeKind::Branch) if label == "otherwise" => notes.push(format!("otherwise → {back}{to}")),
            (Some(label), EdgeKind::Branch) => notes.push(format!("if {label} → {back}{to}")),
            (Some(label), EdgeKind::Next | EdgeKind::Failure | EdgeKind::Cancel) => {
                notes.push(format!("{label} → {back}{to}"));
            }
            (None, _) if edge.reentry => notes.push(format!("then → {back}{to}")),
            (None, _) => {}
        }
    }
    notes.extend(it.on_failure.map(|what| format!("on failure: {what}")));
    notes
}

#[cfg(test)]
mod tests {
    use super::{super::drawing::tests::sketch, *};

    fn drawn(names: &str, edges: &str) -> String {
        let text = draw(&sketch(names, edges), Paint(false));
        text.replace("  aws:sleep", "")
            .replace("  ■ ends", "")
            .replace(" ↩", "")
            .replace("\n↩ can be rolled back\n", "")
    }

    #[test]
    fn a_diamond_forks_and_joins() {
        let text = drawn("abcd", "a>b a>c b>d c>d");
        assert_eq!(
            text,
            "r: 4 steps, list order\n\n●    a\n├─╮\n● │  b\n│ ●  c\n├─╯\n●    d\n"
        );
    }

    #[test]
    fn rails_cross_and_failures_are_dotted() {
        let text = drawn("abcde", "a>b b>c b!e c>d d>e");
        assert_eq!(
            text,
            "r: 5 steps, list order\n\n●    a\n●    b\n│      on failure → e\n├─╮\n● ┊  c\n● ┊  d\n├─╯\n●    e\n"
        );
    }

    #[test]
    fn a_jump_back_is_a_note() {
        let text = drawn("ab", "a?b b?a");
        assert!(text.contains("if x = \"a\" → ↺ a"), "{text}");
    }
}
