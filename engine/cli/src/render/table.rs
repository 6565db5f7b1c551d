//! Columns that line up.

use super::text::{shortened, visible, width};

/// Space between columns.
const GAP: usize = 2;

/// A cell: its text, and the same text with colours.
pub(crate) struct Cell {
    plain: String,
    painted: Option<String>,
}

impl Cell {
    /// A cell whose text is put through `paint` when the table is written.
    pub(crate) fn painted(text: &str, paint: impl Fn(&str) -> String) -> Self {
        let plain = visible(text);
        let painted = Some(paint(&plain));
        Self { plain, painted }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self {
            plain: visible(text.as_ref()),
            painted: None,
        }
    }
}

/// The rows under their heads, each column as wide as its widest cell, the last one cut at `columns` if given.
pub(crate) fn table(heads: &[&str], rows: &[Vec<Cell>], columns: Option<usize>) -> String {
    let widths: Vec<usize> = heads
        .iter()
        .enumerate()
        .map(|(at, head)| {
            rows.iter()
                .map(|row| width(&row[at].plain))
                .max()
                .unwrap_or(0)
                .max(width(head))
        })
        .collect();
    let heads: Vec<Cell> = heads.iter().map(Cell::from).collect();
    let mut out = String::new();
    for row in std::iter::once(&heads)
        .chain(rows)
        .filter(|row| !row.iter().all(|cell| cell.plain.is_empty()))
    {
        out.push_str(&line(row, &widths, columns));
        out.push('\n');
    }
    out
}

fn line(row: &[Cell], widths: &[usize], columns: Option<usize>) -> String {
    let mut out = String::new();
    let mut used = 0;
    for (at, cell) in row.iter().enumerate() {
        let last = at + 1 == row.len();
        let text = match columns {
            Some(columns) if last && used + width(&cell.plain) > columns => {
                shortened(&cell.plain, columns.saturating_sub(used).max(1))
            }
            _ => cell.painted.clone().unwrap_or_else(|| cell.plain.clone()),
        };
        out.push_str(&text);
        if !last {
            out.push_str(&" ".repeat(widths[at] - width(&cell.plain) + GAP));
        }
        used += widths[at] + GAP;
    }
    // An empty last cell leaves blanks that nobody wants in a transcript.
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_the_colours() {
        let rows = vec![
            vec![Cell::painted("é", |t| format!("\x1b[31m{t}\x1b[0m")), "one".into()],
            vec!["long".into(), "".into()],
        ];
        assert_eq!(
            table(&["A", "B"], &rows, None),
            "A     B\n\x1b[31mé\x1b[0m     one\nlong\n"
        );
    }

    #[test]
    fn the_last_column_is_cut() {
        let rows = vec![vec!["a".into(), "bcdefgh".into()]];
        assert_eq!(table(&["", ""], &rows, Some(6)), "a  bc…\n");
    }
}
