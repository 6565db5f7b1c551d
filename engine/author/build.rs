//! Writes the list of files that projects of plugins are made of: the contract, and each language's library and template.

#![allow(clippy::print_stdout, reason = "cargo reads a build script's orders from its output")]

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// Folders of `sdk/` and below that are no part of any project: our own tests, and what tools leave behind.
const LEFT_OUT: &[&str] = &[
    ".venv",
    "__pycache__",
    "behaviours",
    "build",
    "node_modules",
    "target",
    "tests",
];

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package's folder"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names the output folder"));
    let root = here
        .ancestors()
        .nth(2)
        .expect("the package is two folders down")
        .to_owned();
    let mut files = vec![root.join("Cargo.lock")];
    for folder in ["wit", "sdk"] {
        gather(&root.join(folder), &mut files).expect("the folders of this project can be read");
    }
    files.sort();
    let mut list = String::from("&[\n");
    for file in &files {
        println!("cargo::rerun-if-changed={}", file.display());
        let name = file.strip_prefix(&root).expect("it was found below the root");
        list += &format!(
            "    ({:?}, include_bytes!({:?})),\n",
            name.display().to_string(),
            file.display().to_string()
        );
    }
    list += "]\n";
    fs::write(out.join("files.rs"), list).expect("cargo's output folder can be written");
    println!("cargo::rerun-if-changed=build.rs");
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        // A template may have tests of its own: they are the author's.
        let template = path
            .components()
            .any(|part| part.as_os_str().to_string_lossy().starts_with("template"));
        if path.is_file() {
            files.push(path);
        } else if !LEFT_OUT.contains(&name) || (template && name == "tests") {
            gather(&path, files)?;
        }
    }
    Ok(())
}
