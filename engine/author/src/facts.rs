//! What a component's bytes say without running it: what it imports, and what made it.

use wasmparser::{KnownCustom, Parser, Payload};

use crate::language::language_of;

/// Facts of a component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The interfaces it imports, as they are named there, in order.
    pub imports: Vec<String>,
    /// What made it, in the words of its sections `producers`: a field, a space and a name, as `language Rust`.
    pub producers: Vec<String>,
    /// The language it was written in, when what made it tells.
    pub language: Option<&'static str>,
}

/// Reads them. Of bytes that make no sense it answers what stands before the nonsense: whether a component is sound is the
/// host's to say.
#[must_use]
pub fn facts(component: &[u8]) -> Facts {
    let (mut facts, mut depth, mut own) = (Facts::default(), 0_usize, Vec::new());
    for payload in Parser::new(0).parse_all(component) {
        match payload {
            Err(_) => break,
            Ok(Payload::ModuleSection { .. } | Payload::ComponentSection { .. }) => depth += 1,
            Ok(Payload::End(_)) => depth = depth.saturating_sub(1),
            Ok(Payload::ComponentImportSection(section)) if depth == 0 => {
                let imports = section.into_iter().flatten();
                facts.imports.extend(imports.map(|import| import.name.name.to_owned()));
            }
            Ok(Payload::CustomSection(section)) => {
                if let KnownCustom::Producers(fields) = section.as_known() {
                    let lines: Vec<String> = fields.into_iter().flatten().flat_map(lines).collect();
                    if depth == 0 {
                        own.extend(lines.clone());
                    }
                    facts.producers.extend(lines);
                }
            }
            Ok(_) => {}
        }
    }
    facts.producers.sort();
    facts.producers.dedup();
    // Libraries that were linked in were written in other languages: what the whole says of itself counts first.
    facts.language = language_of(&own).or_else(|| language_of(&facts.producers));
    facts
}

fn lines(field: wasmparser::ProducersField<'_>) -> Vec<String> {
    let values = field.values.into_iter().flatten();
    values.map(|value| format!("{} {}", field.name, value.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_has_no_facts() {
        assert_eq!(facts(b"#!/bin/sh"), Facts::default());
        assert_eq!(facts(b"\0asm\x0d\0\x01\0\xff\xff"), Facts::default());
    }
}
