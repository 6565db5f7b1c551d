//! Executions in a table.

use runwright::{model::time::Timestamp, view::ExecutionRow};

use super::{
    paint::Paint,
    table::{Cell, table},
    text::{duration, moment},
};

const HEADS: [&str; 7] = ["ID", "STATUS", "RUNBOOK", "STARTED", "TOOK", "BY", "WAITS FOR"];

/// The rows in their order, cut at `columns`.
pub(crate) fn executions(rows: &[ExecutionRow], now: Timestamp, paint: Paint, columns: Option<usize>) -> String {
    if rows.is_empty() {
        return "no executions\n".to_owned();
    }
    let rows: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            vec![
                row.id.as_str().into(),
                Cell::painted(row.status.as_str(), |text| paint.status(row.status, text)),
                row.runbook.as_str().into(),
                moment(row.started_at).into(),
                duration(row.ended_at.unwrap_or(now).since(row.started_at)).into(),
                row.started_by.as_str().into(),
                row.waiting.as_deref().unwrap_or_default().into(),
            ]
        })
        .collect();
    table(&HEADS, &rows, columns)
}

#[cfg(test)]
mod tests {
    use runwright::model::status::Status;

    use super::*;

    #[test]
    fn rows_are_aligned_and_plain() {
        let row = ExecutionRow {
            id: "nightly".parse().unwrap(),
            runbook: "deploy".into(),
            status: Status::Waiting,
            started_by: "alice".into(),
            started_at: Timestamp::from_millis(0),
            ended_at: None,
            parent: None,
            waiting: Some("approval of bob".into()),
        };
        let text = executions(&[row], Timestamp::from_millis(61_000), Paint(false), None);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "ID       STATUS   RUNBOOK  STARTED               TOOK       BY     WAITS FOR"
        );
        assert_eq!(
            lines[1],
            "nightly  Waiting  deploy   1970-01-01 00:00:00Z  1 min 1 s  alice  approval of bob"
        );
    }
}
