//! `graph`: draws a runbook's plan.

use clap::ValueEnum;

use crate::{
    exit::Exit,
    open::library,
    problem::Problem,
    render::graph::{dot, drawing::Drawing, mermaid, svg, text},
    settings::Settings,
};

const AFTER_HELP: &str = "\
Examples:
  runwright graph deploy.yaml
  runwright graph deploy.yaml --format svg > deploy.svg
  runwright graph deploy.yaml --format dot | dot -Tpng > deploy.png

With --output json the steps and edges themselves are written.";

/// Draw a runbook
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// A runbook's file, or its name in the runbook folders
    #[arg(value_name = "FILE|NAME")]
    runbook: String,
    /// How it is drawn: text, dot, mermaid or svg
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text, hide_possible_values = true)]
    format: Format,
}

/// The ways to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines for a terminal.
    Text,
    /// Graphviz.
    Dot,
    /// Mermaid, for Markdown.
    Mermaid,
    /// A picture.
    Svg,
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    let runbook = library(settings)?.runbook(&args.runbook).await?;
    let found = &runbook.compiled.diagnostics;
    let Some(plan) = &runbook.compiled.plan else {
        return Err(Problem::document(runbook.source.clone(), found.clone()));
    };
    let drawing = Drawing::of(plan);
    settings.console.result(&drawing.to_json(), || match args.format {
        Format::Text => text::draw(&drawing, settings.console.paint()),
        Format::Dot => dot::draw(&drawing),
        Format::Mermaid => mermaid::draw(&drawing),
        Format::Svg => svg::draw(&drawing),
    })?;
    Ok(Exit::Success)
}
