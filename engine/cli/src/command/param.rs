//! `param`: the parameter store.

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use runwright::{
    Engine, NewParameter,
    model::capability::parameters::{NewValue, Parameter, ParameterType},
};

use crate::{
    exit::Exit,
    input,
    open::{closing_on_error, engine},
    problem::Problem,
    render::parameter::{self, Shown},
    settings::Settings,
};

const PUT_HELP: &str = "\
Examples:
  runwright param put /app/url https://example.com
  runwright param put /app/password --stdin --type SecureString < password.txt
  runwright param put /app/url https://example.org --overwrite

Arguments can be seen by other users of the machine: give secrets with --stdin or --value-file.";

/// The parameter store: values and secrets that runbooks read
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Write a parameter, or a new version of one
    #[command(after_help = PUT_HELP)]
    Put(PutArgs),
    /// Print a parameter's value; a secret is masked
    #[command(
        after_help = "Examples:\n  runwright param get /app/url\n  runwright param get /app/url:3\n  runwright param get /app/password --reveal"
    )]
    Get {
        /// `NAME`, `NAME:VERSION` or `NAME:LABEL`
        #[arg(value_name = "NAME")]
        name: String,
        /// Show the value of a secret
        #[arg(long)]
        reveal: bool,
    },
    /// List parameters; secrets are masked
    List {
        /// Only what stands under this path
        #[arg(value_name = "PATH")]
        path: Option<String>,
    },
    /// Show all versions of a parameter
    History {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// Show the values of a secret
        #[arg(long)]
        reveal: bool,
    },
    /// Put a label on a version
    #[command(after_help = "Example:\n  runwright param label /app/url stable --version 3")]
    Label {
        /// The parameter's name
        #[arg(value_name = "NAME")]
        name: String,
        /// The label
        #[arg(value_name = "LABEL")]
        label: String,
        /// The version; the latest when not given
        #[arg(long, value_name = "N")]
        version: Option<u64>,
    },
    /// Delete a parameter with all its versions
    Rm {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
}

#[derive(Debug, clap::Args)]
struct PutArgs {
    /// Its name, as in `/app/db/url`
    #[arg(value_name = "NAME")]
    name: String,
    /// The value
    #[arg(value_name = "VALUE", required_unless_present_any = ["value_file", "stdin"])]
    value: Option<String>,
    /// Take the value from this file, as it is
    #[arg(long, value_name = "FILE", conflicts_with = "value")]
    value_file: Option<PathBuf>,
    /// Take the value from standard input, without its last line end
    #[arg(long, conflicts_with_all = ["value", "value_file"])]
    stdin: bool,
    /// String, StringList or SecureString [default: the type there is, or String]
    #[arg(
        long = "type",
        value_name = "TYPE",
        value_enum,
        ignore_case = true,
        hide_possible_values = true
    )]
    kind: Option<Kind>,
    /// Write a new version of a parameter that exists
    #[arg(long)]
    overwrite: bool,
}

/// What a parameter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// One text
    #[value(name = "String")]
    String,
    /// Texts separated by commas
    #[value(name = "StringList")]
    StringList,
    /// A secret, encrypted at rest
    #[value(name = "SecureString")]
    SecureString,
}

pub(crate) async fn run(args: Args, settings: &Settings) -> Result<Exit, Problem> {
    // Read before the store is held: whoever types it may take a while.
    let value = match &args.what {
        What::Put(args) => value(args)?,
        What::Get { .. } | What::List { .. } | What::History { .. } | What::Label { .. } | What::Rm { .. } => {
            String::new()
        }
    };
    let engine = engine(settings).await?;
    closing_on_error(&engine, work(&engine, args.what, value, settings)).await?;
    engine.close().await?;
    Ok(Exit::Success)
}

async fn work(engine: &Engine, what: What, value: String, settings: &Settings) -> Result<(), Problem> {
    let console = &settings.console;
    let store = engine.parameters();
    match what {
        What::Put(args) => {
            let written = put(engine, args, value).await?;
            console.result(&parameter::object(&written), || parameter::written(&written.parameter))
        }
        What::Get { name, reveal } => {
            let it = shown(engine, store.get(&name).await?, reveal).await?;
            console.result(&parameter::object(&it), || format!("{}\n", it.value))
        }
        What::List { path } => {
            let found = all_shown(engine, store.list(path.as_deref()).await?, false).await?;
            console.result(&parameter::objects(&found), || {
                parameter::list(&found, console.columns())
            })
        }
        What::History { name, reveal } => {
            let found = all_shown(engine, store.history(&name).await?, reveal).await?;
            console.result(&parameter::objects(&found), || {
                parameter::history(&found, console.columns())
            })
        }
        What::Label { name, label, version } => {
            let version = match version {
                Some(version) => version,
                None => store.get(&name).await?.version,
            };
            store.label(&name, version, &label).await?;
            let it = shown(engine, store.get(&format!("{name}:{version}")).await?, false).await?;
            console.result(&parameter::object(&it), || parameter::written(&it.parameter))
        }
        What::Rm { name } => {
            // A name that is not there is more likely a slip than a wish.
            let it = shown(engine, store.get(&name).await?, false).await?;
            store.delete(&it.parameter.name).await?;
            console.result(&parameter::object(&it), || format!("deleted {}\n", it.parameter.name))
        }
    }
}

/// The value to put, from wherever it is.
fn value(args: &PutArgs) -> Result<String, Problem> {
    match (&args.value, &args.value_file) {
        (Some(value), _) => Ok(value.clone()),
        (None, Some(file)) => input::read(file),
        (None, None) => {
            let text = input::read(Path::new("-"))?;
            let line = text.strip_suffix('\n');
            Ok(line.map_or(text.clone(), |line| line.strip_suffix('\r').unwrap_or(line).to_owned()))
        }
    }
}

async fn put(engine: &Engine, args: PutArgs, value: String) -> Result<Shown, Problem> {
    let store = engine.parameters();
    let parameter_type = match args.kind {
        Some(Kind::String) => ParameterType::String,
        Some(Kind::StringList) => ParameterType::StringList,
        Some(Kind::SecureString) => ParameterType::SecureString,
        None => store
            .get(&args.name)
            .await
            .map_or(ParameterType::String, |there| there.parameter_type),
    };
    let new = NewParameter {
        name: args.name,
        parameter_type,
        value: NewValue::Given(value),
        overwrite: args.overwrite,
    };
    let written = store.put(new).await?;
    shown(engine, written, false).await
}

async fn all_shown(engine: &Engine, found: Vec<Parameter>, reveal: bool) -> Result<Vec<Shown>, Problem> {
    let mut all = Vec::with_capacity(found.len());
    for parameter in found {
        all.push(shown(engine, parameter, reveal).await?);
    }
    Ok(all)
}

/// The parameter with the value a person may see.
async fn shown(engine: &Engine, parameter: Parameter, reveal: bool) -> Result<Shown, Problem> {
    let value = match (parameter.parameter_type, reveal) {
        (ParameterType::String | ParameterType::StringList, _) => parameter.value.clone(),
        (ParameterType::SecureString, false) => parameter::MASK.to_owned(),
        (ParameterType::SecureString, true) => engine.parameters().reveal(&parameter.value).await?.to_string(),
    };
    Ok(Shown { parameter, value })
}
