//! C: clang or zig makes a core module for WASI preview 1, and that is made a component here. Tests are built natively.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Kind, Language, encode, mark};
use crate::{Error, Project, tool::Tool};

/// Where Debian has the headers of wasi-libc.
const WASI_LIBC: &str = "/usr/include/wasm32-wasi";
/// The clangs of Debian that have a runtime for WebAssembly, newest first.
const CLANGS: &[&str] = &[
    "clang-22", "clang-21", "clang-20", "clang-19", "clang-18", "clang-17", "clang-16", "clang",
];
const ZIGS: &[&str] = &["zig", "python-zig"];
const NATIVE: &[&str] = &["cc", "clang", "gcc"];
const GET: &str = "python3 -m venv .venv && .venv/bin/pip install ziglang    \
                   (or, on Debian: apt-get install clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32)";
const GET_NATIVE: &str = "apt-get install gcc";
/// What the SDK does not use of yyjson.
const LESS: &[&str] = &[
    "-DYYJSON_DISABLE_NON_STANDARD",
    "-DYYJSON_DISABLE_UTILS",
    "-DYYJSON_DISABLE_INCR_READER",
];

pub(crate) struct C;

impl Language for C {
    fn name(&self) -> &'static str {
        "c"
    }

    fn copies(&self) -> &'static [(Kind, &'static str, &'static str)] {
        &[
            (Kind::Template, "sdk/c/template", ""),
            (Kind::Whole, "sdk/c/lib", "sdk"),
            (Kind::Whole, "sdk/c/README.md", "sdk/README.md"),
        ]
    }

    fn build(&self, project: &Project, component: &Path) -> Result<(), Error> {
        let module = component.with_extension("core.wasm");
        let sdk = sdk(project);
        let mut compiler = compiler(project)?;
        // The names of functions stay: a failure says with them where it was.
        compiler.args(["-mexec-model=reactor", "-Oz", "-flto", "-Wl,--strip-debug"]);
        compiler.args(common(&sdk));
        compiler.args(sources(&project.folder)?).args(sources(&sdk)?);
        compiler
            .arg(sdk.join("bindings/plugin.c"))
            .arg(sdk.join("yyjson/yyjson.c"));
        compiler.arg("-o").arg(&module);
        project.run(compiler)?;
        encode(&module, component)?;
        drop(fs::remove_file(module));
        mark(component, "C")
    }

    fn tests(&self, project: &Project) -> Result<Vec<Command>, Error> {
        let tests = sources(&project.folder.join("tests")).unwrap_or_default();
        if tests.is_empty() {
            return Ok(Vec::new());
        }
        let sdk = sdk(project);
        let program = project.folder.join("build/tests");
        fs::create_dir_all(project.folder.join("build")).map_err(Error::file(&program))?;
        let mut compiler = Command::new(find(project, NATIVE).ok_or_else(|| missing("a C compiler (cc)", GET_NATIVE))?);
        compiler.args(["-O1", "-g"]).args(common(&sdk));
        compiler.args(sources(&project.folder)?).args(tests);
        compiler.args(sources(&sdk)?).args(sources(&sdk.join("testing"))?);
        compiler.arg(sdk.join("yyjson/yyjson.c")).arg("-o").arg(&program);
        Ok(vec![compiler, Command::new(program)])
    }

    fn made(&self, producers: &[String]) -> bool {
        producers.iter().any(|line| line == "language C")
    }
}

fn common(sdk: &Path) -> Vec<String> {
    let mut arguments = ["-std=gnu11", "-Wall", "-Wextra"].map(str::to_owned).to_vec();
    arguments.push(format!("-I{}", sdk.display()));
    arguments.extend(LESS.iter().map(|define| (*define).to_owned()));
    arguments
}

/// The project's own copy of the SDK; where there is none the library as it stands in the engine's repository.
fn sdk(project: &Project) -> PathBuf {
    let own = project.folder.join("sdk");
    if own.is_dir() {
        own
    } else {
        project.folder.join("../lib")
    }
}

/// The compiler for WebAssembly: clang where wasi-libc is, else zig, which brings its own.
fn compiler(project: &Project) -> Result<Command, Error> {
    if let Some(wasi_sdk) = env::var_os("WASI_SDK_PATH") {
        let mut clang = Command::new(Path::new(&wasi_sdk).join("bin/clang"));
        clang.arg("--target=wasm32-wasi");
        return Ok(clang);
    }
    let clang = find(project, CLANGS).filter(|_| Path::new(WASI_LIBC).is_dir());
    let zig = || find(project, ZIGS);
    if let Some(clang) = clang {
        let mut clang = Command::new(clang);
        clang.args(["--target=wasm32-wasi", "-fuse-ld=lld"]);
        return Ok(clang);
    }
    let mut zig = Command::new(zig().ok_or_else(|| missing("clang with wasi-libc, or zig,", GET))?);
    zig.args(["cc", "--target=wasm32-wasi"]);
    Ok(zig)
}

fn find(project: &Project, names: &'static [&'static str]) -> Option<PathBuf> {
    let tool = |name: &'static str| Tool {
        name,
        inside: &[".venv/bin"],
        get: GET,
    };
    names.iter().find_map(|name| tool(name).find(&project.folder))
}

fn missing(what: &str, get: &str) -> Error {
    Error::NoTool {
        what: what.to_owned(),
        looked: ": neither in the project (.venv/bin) nor in PATH".to_owned(),
        get: get.to_owned(),
    }
}

/// The C files of a folder, sorted, without those of the folders in it.
fn sources(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(folder).map_err(Error::file(folder))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "c"))
        .collect();
    files.sort();
    Ok(files)
}
