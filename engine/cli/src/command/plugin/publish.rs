//! `plugin push`, `pull`, `keygen`, `sign`, `verify`: components on their way to others.

use std::path::PathBuf;

use runwright::{Library, Published};
use serde_json::json;

use super::project::component;
use crate::{
    exit::Exit,
    open::{self, library},
    problem::Problem,
    render::text::count,
    settings::Settings,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  runwright plugin push drain.wasm registry.example/acme/drain:1.0.0\n  \
                        runwright plugin push drain.wasm localhost:5000/drain:1.0.0 --key release.key\n\n\
                        Logins are those of `docker login`."
)]
pub(crate) struct Push {
    /// The component, or the folder of its project
    #[arg(value_name = "FILE|DIR")]
    file: PathBuf,
    /// Where to, as in registry.example/acme/drain:1.0.0
    reference: String,
    /// Sign it with this private key
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  runwright plugin pull registry.example/acme/drain:1.0.0 -o drain.wasm\n  \
                        runwright plugin pull registry.example/acme/drain:1.0.0 --to /media/disk/plugins\n  \
                        runwright plugin pull registry.example/acme/drain:1.0.0 --from /media/disk/plugins"
)]
pub(crate) struct Pull {
    /// What, as in registry.example/acme/drain:1.0.0
    reference: String,
    /// Take only the component of this digest
    #[arg(long, value_name = "DIGEST")]
    sha256: Option<String>,
    /// Write the component into this file too
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    file: Option<PathBuf>,
    /// Put it, with its signatures, into this folder too (an OCI image layout), to carry it elsewhere
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Take it out of this folder, and ask no registry
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  runwright plugin keygen release      writes release.key and release.pub")]
pub(crate) struct Keygen {
    /// The files' name, without the ending
    name: PathBuf,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  runwright plugin sign drain.wasm --key release.key\n  \
                        runwright plugin sign registry.example/acme/drain:1.0.0 --key release.key")]
pub(crate) struct Sign {
    /// A component's file, or its name in a registry
    #[arg(value_name = "FILE|REFERENCE")]
    what: String,
    /// The private key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  runwright plugin verify drain.wasm --key release.pub\n  \
                        runwright plugin verify registry.example/acme/drain:1.0.0")]
pub(crate) struct Verify {
    /// A component's file, or its name in a registry
    #[arg(value_name = "FILE|REFERENCE")]
    what: String,
    /// A public key that must have signed it [default: any of the keys in runwright.toml]
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,
}

pub(crate) async fn push(args: Push, settings: &Settings) -> Result<Exit, Problem> {
    let (file, library) = (component(&args.file, settings)?, library(settings)?);
    let pushed = library.push(&file, &args.reference, args.key.as_deref()).await?;
    settings.console.result(&pushed, || shown("Pushed", &pushed))?;
    Ok(Exit::Success)
}

pub(crate) async fn pull(args: Pull, settings: &Settings) -> Result<Exit, Problem> {
    let pin = args.sha256.map(|text| text.parse()).transpose();
    let pin = pin.map_err(|error: runwright::model::digest::Error| Problem::bad_input(error.to_string()))?;
    let library = match args.from {
        Some(folder) => open::library_from(settings, folder)?,
        None => library(settings)?,
    };
    let (file, folder) = (args.file.as_deref(), args.to.as_deref());
    let pulled = library.pull(&args.reference, pin, file, folder).await?;
    settings.console.result(&pulled, || shown("Pulled", &pulled))?;
    Ok(Exit::Success)
}

pub(crate) fn keygen(args: &Keygen, settings: &Settings) -> Result<Exit, Problem> {
    let (secret, public) = Library::keygen(&args.name)?;
    let (secret, public) = (secret.display(), public.display());
    let told = json!({"private": secret.to_string(), "public": public.to_string()});
    settings.console.result(&told, || {
        format!("{secret}  keep it secret: who has it signs in your name\n{public}  give it to those who check\n")
    })?;
    Ok(Exit::Success)
}

pub(crate) async fn sign(args: Sign, settings: &Settings) -> Result<Exit, Problem> {
    let place = library(settings)?.sign(&args.what, &args.key).await?;
    let told = json!({"signature": place});
    settings.console.result(&told, || format!("Signed: {place}\n"))?;
    Ok(Exit::Success)
}

pub(crate) async fn verify(args: Verify, settings: &Settings) -> Result<Exit, Problem> {
    let verified = library(settings)?.verify(&args.what, &args.key).await?;
    settings.console.result(&verified, || {
        format!("{}\nSigned by {}\n", verified.component, verified.signed_by.join(", "))
    })?;
    Ok(Exit::Success)
}

fn shown(done: &str, published: &Published) -> String {
    let mut out = format!("{done} {}\n", published.reference);
    let pin = published.component.trim_start_matches("sha256:");
    out += &format!("sha256     {pin}\nManifest   {}\n", published.manifest);
    if let Some(file) = &published.file {
        out += &format!("File       {}\n", file.display());
    }
    if let Some(number) = published.signatures {
        let by = match published.signed_by.as_slice() {
            [] => String::new(),
            names => format!(", by {}", names.join(", ")),
        };
        out += &format!("Signed     {}{by}\n", count(number, "signature"));
    }
    out
}
