//! How things look: everything here is a function of values, except [`console`] and [`progress`], which write.

pub(crate) mod console;
pub(crate) mod diagnostics;
pub(crate) mod execution;
#[cfg(test)]
mod fixture;
pub(crate) mod graph;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod paint;
pub(crate) mod parameter;
pub(crate) mod plugin;
pub(crate) mod preview;
pub(crate) mod progress;
pub(crate) mod scenario;
pub(crate) mod table;
pub(crate) mod text;
