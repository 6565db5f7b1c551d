//! Compiles the plugins of the table below to components, with one nested cargo, and writes the list that the
//! library embeds.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// The plugins that come with the engine: action name, and folder in `plugins/`. Sorted by action.
const PLUGINS: &[(&str, &str)] = &[
    ("aws:approve", "approve"),
    ("aws:configurePackage", "configure-package"),
    ("aws:downloadContent", "download-content"),
    ("aws:executeAutomation", "execute-automation"),
    ("aws:pause", "pause"),
    ("aws:runCommand", "run-command"),
    ("aws:runDocument", "run-document"),
    ("aws:runPowerShellScript", "run-power-shell-script"),
    ("aws:runShellScript", "run-shell-script"),
    ("aws:sleep", "sleep"),
    ("aws:softwareInventory", "software-inventory"),
    ("rw:assert", "assert"),
    ("rw:getParameter", "get-parameter"),
    ("rw:httpRequest", "http-request"),
    ("rw:powerShell", "power-shell"),
    ("rw:putParameter", "put-parameter"),
    ("rw:shell", "shell"),
    ("rw:symlink", "symlink"),
    ("rw:template", "template"),
    ("rw:waitFor", "wait-for"),
    ("rw:writeFile", "write-file"),
];

const TARGET: &str = "wasm32-wasip2";
const PROFILE: &str = "plugin";

/// What cargo sets for the outer build and the nested one must not inherit: flags and wrappers meant for the
/// host's compiler (clippy sets one of them), and where to build.
const NOT_INHERITED: &[&str] = &[
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "CARGO_UNSTABLE_BUILD_STD",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
    "TARGET",
];

fn main() {
    let here = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let root = here.join("../..");
    let out = PathBuf::from(variable("OUT_DIR"));
    let others = [
        "plugins/command",
        "sdk/rust/src",
        "sdk/rust/Cargo.toml",
        "wit",
        "Cargo.lock",
        "Cargo.toml",
    ];
    let others = others.map(PathBuf::from);
    let plugins = PLUGINS.iter().map(|(_, folder)| Path::new("plugins").join(folder));
    for watched in plugins.chain(others) {
        println!("cargo::rerun-if-changed={}", root.join(watched).display());
    }
    println!("cargo::rerun-if-changed=build.rs");

    let built = compile(&root, &target_directory(&out));
    embed(&built, &out)
        .unwrap_or_else(|error| fail(&format!("cannot embed the plugins in {}: {error}", out.display())));
}

/// The folder beside the outer build's own, shared by all its profiles: `target/plugins`. It must be another
/// one, because the outer cargo holds the lock of its own.
fn target_directory(out: &Path) -> PathBuf {
    let outer = out.ancestors().nth(4).unwrap_or(out);
    outer.join("plugins")
}

fn package(folder: &str) -> String {
    format!("runwright-plugin-{folder}")
}

/// Runs cargo, and answers the folder the components are in.
fn compile(root: &Path, target_directory: &Path) -> PathBuf {
    let mut cargo = Command::new(variable("CARGO"));
    cargo
        .current_dir(root)
        .args(["build", "--quiet", "--target", TARGET, "--profile", PROFILE, "--lib"]);
    cargo.arg("--target-dir").arg(target_directory);
    for (_, folder) in PLUGINS {
        cargo.args(["--package", &package(folder)]);
    }
    for name in NOT_INHERITED {
        cargo.env_remove(name);
    }
    let output = cargo
        .output()
        .unwrap_or_else(|error| fail(&format!("cannot run cargo to compile the plugins: {error}")));
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let help = if errors.contains("target may not be installed") {
            format!("\n\nThe compiler has no `{TARGET}` target: run `rustup target add {TARGET}` and build again.")
        } else {
            String::new()
        };
        fail(&format!("the plugins do not compile for {TARGET}:\n{errors}{help}"));
    }
    target_directory.join(TARGET).join(PROFILE)
}

/// Copies the components, and writes the list of them as Rust.
fn embed(built: &Path, out: &Path) -> io::Result<()> {
    let mut list = format!("const COMPONENTS: [Bundled; {}] = [\n", PLUGINS.len());
    for (action, folder) in PLUGINS {
        let file = format!("{}.wasm", package(folder).replace('-', "_"));
        fs::copy(built.join(&file), out.join(&file))?;
        list += &format!(
            "    Bundled {{ action: {action:?}, package: {:?}, bytes: include_bytes!(concat!(env!(\"OUT_DIR\"), {:?})) }},\n",
            package(folder),
            format!("/{file}"),
        );
    }
    list += "];\n";
    fs::write(out.join("plugins.rs"), list)
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| {
        fail(&format!(
            "cargo did not set {name}: this is a build script, run by cargo"
        ))
    })
}

fn fail(message: &str) -> ! {
    for line in message.lines() {
        println!("cargo::error={line}");
    }
    std::process::exit(1)
}
