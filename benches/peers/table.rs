//! The figures as a table, each beside its target, the disk's own and Restate's.

use std::{fmt::Write as _, path::Path};

use crate::{Outcome, figures::Figures, plan::Scale};

const BEGIN: &str = "<!-- cargo xtask bench peers: begin -->";
const END: &str = "<!-- cargo xtask bench peers: end -->";
const NOT_MEASURED: &str = "not measured";

/// One line of the table: a figure and what it should be.
struct Row {
    what: &'static str,
    /// Measurement and name of the figure.
    figure: (&'static str, &'static str),
    unit: &'static str,
    /// What it is compared with.
    target: Target,
    /// The disk's own figure, and Restate's, where there is one.
    raw: Option<&'static str>,
    restate: Option<&'static str>,
}

#[derive(Clone, Copy)]
enum Target {
    AtMost(f64),
    AtLeast(f64),
    /// So many times faster than Restate, which takes so much time.
    FasterThanRestate(f64),
    /// So many times Restate's rate.
    TimesRestate(f64),
}

const fn row(what: &'static str, figure: (&'static str, &'static str), unit: &'static str, target: Target) -> Row {
    Row {
        what,
        figure,
        unit,
        target,
        raw: None,
        restate: None,
    }
}

const ROWS: &[Row] = &[
    Row {
        raw: Some("raw_us"),
        ..row(
            "one execution of 100 durable steps: p50 of a step, over the disk's p50",
            ("single", "times_raw"),
            "×",
            Target::AtMost(2.0),
        )
    },
    Row {
        raw: Some("raw_us"),
        restate: Some("step_us"),
        ..row(
            "the same, whole execution over its steps",
            ("single", "step_us"),
            "µs",
            Target::FasterThanRestate(3.0),
        )
    },
    Row {
        raw: Some("raw_64_per_s"),
        ..row(
            "64 executions at once: durable steps, over the disk's appends of 64 writers",
            ("many", "share_of_raw"),
            "×",
            Target::AtLeast(0.5),
        )
    },
    Row {
        raw: Some("raw_64_per_s"),
        restate: Some("steps_per_s"),
        ..row(
            "the same, durable steps a second",
            ("many", "steps_per_s"),
            "/s",
            Target::TimesRestate(5.0),
        )
    },
    row(
        "a step without effects, Wasm call included",
        ("pure", "step_us"),
        "µs",
        Target::AtMost(50.0),
    ),
    Row {
        restate: Some("first_s"),
        ..row(
            "kill -9 with 10,000 in flight: process start to the first one moving",
            ("crash", "first_s"),
            "s",
            Target::AtMost(0.3),
        )
    },
    Row {
        restate: Some("all_s"),
        ..row(
            "the same, to all finished",
            ("crash", "all_s"),
            "s",
            Target::AtMost(1.0),
        )
    },
    Row {
        restate: Some("kib_each"),
        ..row(
            "100,000 executions wait for approval: memory of each",
            ("waiting", "kib_each"),
            "KiB",
            Target::AtMost(1.0),
        )
    },
    Row {
        restate: Some("base_mib"),
        ..row(
            "memory of the process before them",
            ("waiting", "base_mib"),
            "MiB",
            Target::AtMost(60.0),
        )
    },
    row(
        "process start to that store opened again",
        ("waiting", "open_s"),
        "s",
        Target::AtMost(1.0),
    ),
    row(
        "all of them approved and ended: a second",
        ("waiting", "decisions_per_s"),
        "/s",
        Target::AtLeast(5_000.0),
    ),
    row(
        "median durable step with 1,000,000 steps in the store, over a fresh store",
        ("history", "times_fresh"),
        "×",
        Target::AtMost(1.2),
    ),
    row(
        "`runwright run` with warm cache: process start to the first step",
        ("startup", "first_step_ms"),
        "ms",
        Target::AtMost(30.0),
    ),
    row(
        "a document of 10,000 steps compiled",
        ("compile", "ms"),
        "ms",
        Target::AtMost(50.0),
    ),
];

/// The whole section.
pub(crate) fn markdown(figures: &Figures, scale: Scale) -> String {
    let mut text = String::new();
    for sentence in &figures.machine {
        let _ = writeln!(text, "- {sentence}");
    }
    let _ = writeln!(text, "- command: `{}`\n", command());
    if scale == Scale::Quick {
        text.push_str("This was `--quick`: it says that the harness works, and nothing else.\n\n");
    }
    text.push_str("| what | Runwright | target | met? | disk, same minute | Restate, same run |\n");
    text.push_str("| --- | --- | --- | --- | --- | --- |\n");
    for row in ROWS {
        let (measurement, _) = row.figure;
        let disk = row
            .raw
            .and_then(|raw| Some(amount(figures.get(measurement, raw)?, raw_unit(raw))));
        let restate = row.restate.map(|name| match figures.get("restate", name) {
            Some(value) => amount(value, row.unit),
            None => NOT_MEASURED.to_owned(),
        });
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            row.what,
            figures
                .get(row.figure.0, row.figure.1)
                .map_or_else(|| NOT_MEASURED.to_owned(), |value| amount(value, row.unit)),
            row.target.words(row.unit),
            row.verdict(figures),
            disk.unwrap_or_default(),
            restate.unwrap_or_default()
        );
    }
    for (measurement, _) in ROWS
        .iter()
        .map(|row| row.figure)
        .collect::<std::collections::BTreeSet<_>>()
    {
        if let Some(why) = figures.why_missing(measurement) {
            let _ = writeln!(text, "\n`{measurement}` was not measured: {}.", why.replace('\n', " "));
        }
    }
    if let Some(why) = figures.why_missing("restate") {
        let _ = writeln!(text, "\nRestate was not measured: {why}.");
    }
    text
}

impl Row {
    fn verdict(&self, figures: &Figures) -> String {
        let Some(value) = figures.get(self.figure.0, self.figure.1) else {
            return String::new();
        };
        let restate = self.restate.and_then(|name| figures.get("restate", name));
        // How many times better than it must be.
        let better = match self.target {
            Target::AtMost(most) => Some(most / value),
            Target::AtLeast(least) => Some(value / least),
            Target::FasterThanRestate(times) => restate.map(|restate| restate / value / times),
            Target::TimesRestate(times) => restate.map(|restate| value / restate / times),
        };
        match better {
            None => String::new(),
            Some(better) if better >= 1.0 => "yes".to_owned(),
            Some(better) => format!("no: by a factor of {:.2}", 1.0 / better),
        }
    }
}

impl Target {
    fn words(self, unit: &str) -> String {
        match self {
            Self::AtMost(most) => format!("at most {}", amount(most, unit)),
            Self::AtLeast(least) => format!("at least {}", amount(least, unit)),
            Self::FasterThanRestate(times) => format!("Restate's over {times}"),
            Self::TimesRestate(times) => format!("{times} times Restate's"),
        }
    }
}

fn raw_unit(name: &str) -> &'static str {
    if name.ends_with("_us") { "µs" } else { "/s" }
}

/// A figure with as many digits as mean something.
fn amount(value: f64, unit: &str) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.digits$} {unit}")
}

/// How this was launched.
fn command() -> String {
    let mut words = vec!["cargo xtask bench peers".to_owned()];
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => {}
            // Where things lie on this machine is nobody else's matter.
            "--runwright" | "--scratch" => drop(arguments.next()),
            _ => words.push(argument),
        }
    }
    words.join(" ")
}

/// Replaces the table in the page.
pub(crate) fn put_into_page(table: &str) -> Outcome<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/PERFORMANCE.md");
    let page = std::fs::read_to_string(&path)?;
    let marks = page
        .split_once(BEGIN)
        .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = marks.ok_or("docs/PERFORMANCE.md has lost the marks between which the table stands")?;
    Ok(std::fs::write(
        path,
        format!("{before}{BEGIN}\n\n{table}\n{END}{after}"),
    )?)
}
