//! Drawings of a plan: [`drawing`] says what is drawn, the others how.

pub(crate) mod dot;
pub(crate) mod drawing;
mod layout;
pub(crate) mod mermaid;
pub(crate) mod svg;
pub(crate) mod text;
