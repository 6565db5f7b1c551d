//! The verbs. Each file holds one, or two that are alike: the options, and what is done.
//!
//! To add one, write its file, a variant of [`Verb`], and a line in each match below.

use crate::{exit::Exit, open::block_on, problem::Problem, settings::Settings};

mod completions;
mod decide;
mod explain;
mod gc;
mod graph;
mod hold;
mod list;
mod logs;
mod man;
mod migrate;
mod param;
mod plan;
mod plugin;
mod rerun;
mod resume;
mod run;
mod schema;
mod show;
mod signal;
mod step;
mod stop;
mod store;
mod test;
mod validate;
mod why;

/// What can be done, in the order of the help.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    Run(run::Args),
    Resume(resume::Args),
    Rerun(rerun::Args),
    /// Approve what a step asks, and let the execution go on
    #[command(after_help = decide::APPROVE_HELP)]
    Approve(decide::Args),
    /// Reject what a step asks
    #[command(after_help = decide::REJECT_HELP)]
    Reject(decide::Args),
    Signal(signal::Args),
    Step(step::Args),
    Pause(hold::PauseArgs),
    Unpause(hold::UnpauseArgs),
    Cancel(stop::CancelArgs),
    Rollback(stop::RollbackArgs),
    List(list::Args),
    Show(show::Args),
    Why(why::Args),
    Logs(logs::Args),
    Validate(validate::Args),
    Plan(plan::Args),
    Test(test::Args),
    Graph(graph::Args),
    Schema(schema::Args),
    Migrate(migrate::Args),
    Param(param::Args),
    Plugin(plugin::Args),
    Explain(explain::Args),
    Store(store::Args),
    Gc(gc::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Verb {
    /// Its word.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Run(_) => "run",
            Self::Resume(_) => "resume",
            Self::Rerun(_) => "rerun",
            Self::Pause(_) => "pause",
            Self::Unpause(_) => "unpause",
            Self::Why(_) => "why",
            Self::Migrate(_) => "migrate",
            Self::Approve(_) => "approve",
            Self::Reject(_) => "reject",
            Self::Signal(_) => "signal",
            Self::Step(_) => "step",
            Self::Cancel(_) => "cancel",
            Self::Rollback(_) => "rollback",
            Self::List(_) => "list",
            Self::Show(_) => "show",
            Self::Logs(_) => "logs",
            Self::Validate(_) => "validate",
            Self::Plan(_) => "plan",
            Self::Test(_) => "test",
            Self::Graph(_) => "graph",
            Self::Schema(_) => "schema",
            Self::Param(_) => "param",
            Self::Plugin(_) => "plugin",
            Self::Explain(_) => "explain",
            Self::Store(_) => "store",
            Self::Gc(_) => "gc",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
        }
    }
}

/// Does it.
pub(crate) fn run(verb: Verb, settings: &Settings) -> Result<Exit, Problem> {
    match verb {
        Verb::Run(args) => block_on(run::run(args, settings)),
        Verb::Resume(args) => block_on(resume::run(args, settings)),
        Verb::Rerun(args) => block_on(rerun::run(args, settings)),
        Verb::Pause(args) => block_on(hold::pause(args, settings)),
        Verb::Unpause(args) => block_on(hold::unpause(args, settings)),
        Verb::Why(args) => block_on(why::run(args, settings)),
        Verb::Migrate(args) => block_on(migrate::run(args, settings)),
        Verb::Approve(args) => block_on(decide::run(args, true, settings)),
        Verb::Reject(args) => block_on(decide::run(args, false, settings)),
        Verb::Signal(args) => block_on(signal::run(args, settings)),
        Verb::Step(args) => block_on(step::run(args, settings)),
        Verb::Cancel(args) => block_on(stop::cancel(args, settings)),
        Verb::Rollback(args) => block_on(stop::rollback(args, settings)),
        Verb::List(args) => block_on(list::run(args, settings)),
        Verb::Show(args) => block_on(show::run(args, settings)),
        Verb::Logs(args) => block_on(logs::run(args, settings)),
        Verb::Validate(args) => block_on(validate::run(args, settings)),
        Verb::Plan(args) => block_on(plan::run(args, settings)),
        Verb::Test(args) => block_on(test::run(args, settings)),
        Verb::Schema(args) => block_on(schema::run(args, settings)),
        Verb::Graph(args) => block_on(graph::run(args, settings)),
        Verb::Param(args) => block_on(param::run(args, settings)),
        Verb::Plugin(args) => block_on(plugin::run(args, settings)),
        Verb::Explain(args) => explain::run(args, settings),
        Verb::Store(args) => block_on(store::run(args, settings)),
        Verb::Gc(args) => block_on(gc::run(args, settings)),
        Verb::Completions(args) => completions::run(args, settings),
        Verb::Man(args) => man::run(args, settings),
    }
}
