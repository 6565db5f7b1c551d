//! Tells a component from other files before it is compiled, so that each gets its own message.

use crate::Error;

const MAGIC: &[u8] = b"\0asm";
const CORE: [u8; 4] = [1, 0, 0, 0];
const COMPONENT: [u8; 4] = [0x0d, 0, 1, 0];

/// Checks that the bytes are a whole component, without looking into it.
pub(crate) fn check(bytes: &[u8]) -> Result<(), Error> {
    let not = |reason: &str| {
        Err(Error::NotAComponent {
            reason: reason.to_owned(),
        })
    };
    if bytes.is_empty() {
        return not("the file is empty");
    }
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        return if bytes.trim_ascii_start().starts_with(b"(") {
            not("it is text; turn it into a binary with `wasm-tools parse`")
        } else {
            not("it does not begin with the bytes `\\0asm`")
        };
    };
    match rest.first_chunk() {
        Some(&CORE) => Err(Error::CoreModule),
        Some(&COMPONENT) => sections(bytes),
        Some(version) => not(&format!(
            "it has the unknown version {version:?}; it was built for another generation of tools"
        )),
        None => Err(cut_off(bytes.len())),
    }
}

/// Walks over the sections: an id, a length in LEB128, so many bytes.
fn sections(bytes: &[u8]) -> Result<(), Error> {
    let mut at = MAGIC.len() + COMPONENT.len();
    while at < bytes.len() {
        let Some((length, after)) = length(bytes, at + 1) else {
            return Err(cut_off(bytes.len()));
        };
        at = after.saturating_add(length);
        if at > bytes.len() {
            return Err(cut_off(bytes.len()));
        }
    }
    Ok(())
}

fn length(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut length = 0_usize;
    for shift in [0, 7, 14, 21, 28] {
        let byte = *bytes.get(at)?;
        at += 1;
        length |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some((length, at))
}

fn cut_off(length: usize) -> Error {
    Error::Broken {
        reason: format!("it ends in the middle, after {length} bytes; copy it again"),
    }
}
