//! Writes into a component in which language it was written, where its tool does not: what those tools put inside was
//! compiled from Rust and C, and says so.

use std::{fs, path::Path};

use crate::Error;

/// Adds a section `producers` that says `language NAME`.
///
/// # Errors
///
/// [`Error::File`].
pub(crate) fn mark(component: &Path, language: &str) -> Result<(), Error> {
    let mut bytes = fs::read(component).map_err(Error::file(component))?;
    bytes.extend(section(language));
    fs::write(component, bytes).map_err(Error::file(component))
}

/// One field `language` with one value, which has no version; as the tool conventions of WebAssembly have it.
fn section(language: &str) -> Vec<u8> {
    let mut body = Vec::new();
    text(&mut body, "producers");
    body.push(1);
    text(&mut body, "language");
    body.push(1);
    text(&mut body, language);
    text(&mut body, "");
    let mut section = vec![0];
    section.push(length(body.len()));
    section.extend(body);
    section
}

fn text(into: &mut Vec<u8>, text: &str) {
    into.push(length(text.len()));
    into.extend(text.as_bytes());
}

/// A length as LEB128, which for these is a byte.
fn length(length: usize) -> u8 {
    u8::try_from(length)
        .ok()
        .filter(|length| *length < 0x80)
        .expect("a language's name is short")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_what_other_tools_read() {
        assert_eq!(section("Go"), b"\0\x19\x09producers\x01\x08language\x01\x02Go\0");
        let folder = tempfile::tempdir().unwrap();
        let component = folder.path().join("x.wasm");
        fs::write(&component, b"\0asm\x0d\0\x01\0").unwrap();
        mark(&component, "Python").unwrap();
        assert!(fs::read(&component).unwrap().ends_with(b"\x06Python\0"));
    }
}
