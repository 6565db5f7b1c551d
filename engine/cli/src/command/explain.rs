//! `explain`: the page of an error code.

use runwright::Library;
use serde_json::{Value, json};

use crate::{exit::Exit, problem::Problem, settings::Settings};

/// Explain an error code
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  runwright explain RW-C012\n  runwright explain             all codes")]
pub(crate) struct Args {
    /// The code; all are listed when none is given
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

pub(crate) fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    match args.code {
        Some(code) => page(&code.to_ascii_uppercase(), settings)?,
        None => all(settings)?,
    }
    Ok(Exit::Success)
}

fn page(code: &str, settings: &Settings) -> Result<(), Problem> {
    let page = Library::explain(code).ok_or_else(|| {
        Problem::bad_input(format!("there is no error code `{code}`")).help("`runwright explain` lists them all")
    })?;
    settings.console.result(&json!({ "code": code, "page": page }), || {
        format!("{}\n", page.trim_end())
    })
}

fn all(settings: &Settings) -> Result<(), Problem> {
    let codes = Library::codes();
    let objects: Vec<Value> = codes
        .iter()
        .map(|(code, page)| json!({ "code": code, "title": title(page) }))
        .collect();
    settings.console.result(&objects, || {
        codes
            .iter()
            .map(|(code, page)| format!("{code}  {}\n", title(page)))
            .collect()
    })
}

/// The page's first heading or line, without the code it may begin with.
fn title(page: &str) -> &str {
    let first = page
        .lines()
        .map(|line| line.trim_start_matches('#').trim())
        .find(|line| !line.is_empty());
    let first = first.unwrap_or_default();
    match first.split_once(": ") {
        Some((code, rest)) if code.starts_with("RW-") => rest,
        _ => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_first_lines() {
        assert_eq!(title("# RW-C001: no steps\n\nText."), "no steps");
        assert_eq!(title("\nPlain: text\n"), "Plain: text");
    }
}
