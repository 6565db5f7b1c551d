//! What came of test files, for people.

use std::time::Duration;

use runwright::scenario::{Coverage, Miss, ScenarioReport, TestReport, UnaskedMock};

use super::{
    paint::Paint,
    text::{count, duration, visible},
};

/// A line for each scenario, what differed below it, what was reached, and which mocks answered nothing.
pub(crate) fn text(files: &[TestReport], paint: Paint) -> String {
    let mut out = String::new();
    for file in files {
        for scenario in &file.scenarios {
            out.push_str(&one(file, scenario, paint));
        }
        out.push_str(&coverage(&file.runbook, &file.coverage, paint));
        for UnaskedMock { line, column, mock } in &file.unasked {
            let word = paint.yellow("answered nothing:");
            out.push_str(&format!(
                "    {word} {}:{line}:{column}: {}\n",
                file.file,
                visible(mock)
            ));
        }
    }
    let all = files.iter().flat_map(|file| &file.scenarios);
    let failed = all.clone().filter(|scenario| !scenario.ok).count();
    let all = count(all.count(), "scenario");
    out.push_str(&match failed {
        0 => format!("{all}, {}\n", paint.green("all as expected")),
        some => format!("{all}, {}\n", paint.red(&format!("{some} not as expected"))),
    });
    out
}

fn one(file: &TestReport, scenario: &ScenarioReport, paint: Paint) -> String {
    let word = if scenario.ok {
        paint.green("ok")
    } else {
        paint.red("FAILED")
    };
    let took = duration(Duration::from_millis(scenario.took_ms));
    let stops = match scenario.stops {
        0 => String::new(),
        stops => format!("  {}", count(stops, "stop")),
    };
    let mut out = format!("{word}  {}: {}  {took}{stops}\n", file.runbook, visible(&scenario.name));
    for miss in &scenario.misses {
        out.push_str(&missed(&file.file, miss, paint));
    }
    out
}

fn missed(file: &str, miss: &Miss, paint: Paint) -> String {
    let place = format!("{file}:{}:{}", miss.line, miss.column);
    format!(
        "    {}: {}\n        expected  {}\n        got       {}\n",
        paint.bold(&place),
        visible(&miss.what),
        visible(&miss.expected),
        visible(&miss.got)
    )
}

fn coverage(runbook: &str, coverage: &Coverage, paint: Paint) -> String {
    let Coverage {
        steps,
        steps_reached,
        branches,
        branches_reached,
        missed,
    } = coverage;
    let mut out = format!("{runbook}: {steps_reached} of {}", count(*steps, "step"));
    if *branches > 0 {
        let noun = if *branches == 1 { "branch" } else { "branches" };
        out.push_str(&format!(", {branches_reached} of {branches} {noun}"));
    }
    out.push_str(" reached\n");
    for name in missed {
        out.push_str(&format!("    {} {}\n", paint.yellow("not reached:"), visible(name)));
    }
    out
}
