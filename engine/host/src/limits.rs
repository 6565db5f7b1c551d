//! What one call of a plugin may use, and the counting of memory.
//!
//! Time is counted in [`crate::meter`], log lines in [`crate::logbook`].

use std::fmt;

use runwright_model::failure::{Failure, FailureKind};
use serde::{Deserialize, Serialize};
use serde_json::json;
use wasmtime::ResourceLimiter;

use crate::codes;

const MIB: u64 = 1024 * 1024;

/// Limits of the host. Each has a name, under which a breach is reported and a configuration raises it.
///
/// ```
/// let limits = runwright_host::Limits { memory_bytes: 64 << 20, ..Default::default() };
/// assert_eq!(limits.entries()[1].0, "memory-bytes");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Limits {
    /// Milliseconds a call may compute. Waiting for a capability's answer does not count.
    pub call_cpu_ms: u64,
    /// Bytes of all memories of one call, at most 4 GiB.
    pub memory_bytes: u64,
    /// Elements of all tables of one call.
    pub table_elements: u64,
    /// Core modules a component may instantiate.
    pub modules: u64,
    /// Bytes of stack a call may use.
    pub stack_bytes: u64,
    /// Bytes of the outputs, as JSON text.
    pub output_bytes: u64,
    /// Bytes of a failure's message and of its details. A longer message is cut, longer details are left out.
    pub failure_bytes: u64,
    /// Bytes a guest may pass to the host in one capability call.
    pub argument_bytes: u64,
    /// Bytes a guest may pass to the host in all its capability calls together, as JSON text. They are journalled.
    pub sent_bytes: u64,
    /// Handles of resources (streams, timers) a call may hold at once.
    pub handles: u64,
    /// Bytes of log a call may write. Lines beyond are dropped, and one line says so.
    pub log_bytes: u64,
    /// Bytes of one log line. A longer one is cut.
    pub log_line_bytes: u64,
    /// Capability calls of one call.
    pub calls: u64,
    /// Bytes of a component.
    pub component_bytes: u64,
    /// Bytes of the texts of a manifest.
    pub manifest_bytes: u64,
    /// Bytes of memory that compiling a component may take, where it is compiled in a process of its own.
    pub compile_memory_bytes: u64,
    /// Milliseconds that compiling a component may compute there, on all cores together; whole seconds count.
    pub compile_cpu_ms: u64,
    /// Milliseconds after which it is stopped there, whatever it waits for.
    pub compile_wall_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            call_cpu_ms: 10_000,
            memory_bytes: 256 * MIB,
            table_elements: 100_000,
            modules: 100,
            stack_bytes: MIB,
            output_bytes: MIB,
            failure_bytes: 16 * 1024,
            // The largest blob, and room for the rest of the request.
            argument_bytes: 65 * MIB,
            sent_bytes: 1024 * MIB,
            handles: 10_000,
            log_bytes: MIB,
            log_line_bytes: 8 * 1024,
            calls: 10_000,
            component_bytes: 128 * MIB,
            manifest_bytes: 256 * 1024,
            compile_memory_bytes: 4096 * MIB,
            compile_cpu_ms: 180_000,
            compile_wall_ms: 300_000,
        }
    }
}

impl Limits {
    /// Every limit with its name and value, in a fixed order: for documents and for `--help`.
    #[must_use]
    pub fn entries(&self) -> [(&'static str, u64); 18] {
        [
            ("call-cpu-ms", self.call_cpu_ms),
            ("memory-bytes", self.memory_bytes),
            ("table-elements", self.table_elements),
            ("modules", self.modules),
            ("stack-bytes", self.stack_bytes),
            ("output-bytes", self.output_bytes),
            ("failure-bytes", self.failure_bytes),
            ("argument-bytes", self.argument_bytes),
            ("sent-bytes", self.sent_bytes),
            ("handles", self.handles),
            ("log-bytes", self.log_bytes),
            ("log-line-bytes", self.log_line_bytes),
            ("calls", self.calls),
            ("component-bytes", self.component_bytes),
            ("manifest-bytes", self.manifest_bytes),
            ("compile-memory-bytes", self.compile_memory_bytes),
            ("compile-cpu-ms", self.compile_cpu_ms),
            ("compile-wall-ms", self.compile_wall_ms),
        ]
    }
}

/// A limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Excess {
    /// The limit's name.
    pub(crate) which: &'static str,
    /// Its value.
    pub(crate) limit: u64,
    /// What was wanted, where that is known.
    pub(crate) used: Option<u64>,
}

/// The call that is made: what a failure of it names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    /// The function of `wit/action.wit`.
    pub(crate) function: &'static str,
    /// The step's action; empty while a plugin describes itself.
    pub(crate) action: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.action.as_str() {
            "" => write!(f, "`{}` of the plugin", self.function),
            action => write!(f, "`{}` of the plugin of {action}", self.function),
        }
    }
}

impl Excess {
    /// The failure of the call. `doing` says what the plugin did: "returned outputs", "called itself".
    pub(crate) fn failure(self, place: &Place, doing: &str) -> Failure {
        let Self { which, limit, used } = self;
        let used_text = used.map_or_else(
            || format!("more than {}", amount(which, limit)),
            |used| amount(which, used),
        );
        let message = format!(
            "Limit `{which}` exceeded: {place} {doing}, which takes {used_text} where {} are allowed. Make the plugin \
             use less, or raise `{which}` under `[limits]` in the operator's runwright.toml.",
            amount(which, limit)
        );
        Failure::new(FailureKind::LimitExceeded, message)
            .with_code(codes::LIMIT)
            .with_details(json!({
                "limit": which, "value": limit, "used": used, "function": place.function, "action": place.action,
            }))
    }
}

/// A number with its unit, which the limit's name tells.
fn amount(which: &str, number: u64) -> String {
    if which.ends_with("-ms") {
        format!("{number} ms")
    } else if which.ends_with("-bytes") && number >= MIB {
        let tenths = u128::from(number) * 10 / u128::from(MIB);
        format!("{number} bytes ({}.{} MiB)", tenths / 10, tenths % 10)
    } else if which.ends_with("-bytes") {
        format!("{number} bytes")
    } else {
        number.to_string()
    }
}

/// Counts memory and tables of one call, and remembers what it refused: a guest that is refused memory
/// usually ends itself in a way that looks like any other crash.
#[derive(Debug)]
pub(crate) struct Limiter {
    memory_bytes: u64,
    memory_limit: u64,
    table_elements: u64,
    table_limit: u64,
    modules_limit: u64,
    /// The last refusal.
    pub(crate) refused: Option<Excess>,
}

impl Limiter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            memory_bytes: 0,
            memory_limit: limits.memory_bytes,
            table_elements: 0,
            table_limit: limits.table_elements,
            modules_limit: limits.modules,
            refused: None,
        }
    }
}

/// The new total, or the refusal.
fn grown(total: u64, current: usize, desired: usize, which: &'static str, limit: u64) -> Result<u64, Excess> {
    let used = total.saturating_sub(current as u64).saturating_add(desired as u64);
    if used > limit {
        Err(Excess {
            which,
            limit,
            used: Some(used),
        })
    } else {
        Ok(used)
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        match grown(self.memory_bytes, current, desired, "memory-bytes", self.memory_limit) {
            Ok(total) => self.memory_bytes = total,
            Err(excess) => {
                self.refused = Some(excess);
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        match grown(
            self.table_elements,
            current,
            desired,
            "table-elements",
            self.table_limit,
        ) {
            Ok(total) => self.table_elements = total,
            Err(excess) => {
                self.refused = Some(excess);
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        usize::try_from(self.modules_limit).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter() -> Limiter {
        Limiter::new(&Limits {
            memory_bytes: 100,
            table_elements: 10,
            ..Limits::default()
        })
    }

    #[test]
    fn memories_are_counted_together() {
        let mut limiter = limiter();
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(limiter.memory_growing(0, 40, None).unwrap(), "exactly at the limit");
        assert!(limiter.refused.is_none());
        assert!(!limiter.memory_growing(60, 61, None).unwrap());
        assert_eq!(
            limiter.refused,
            Some(Excess {
                which: "memory-bytes",
                limit: 100,
                used: Some(101)
            })
        );
    }

    #[test]
    fn tables_are_counted_together() {
        let mut limiter = limiter();
        assert!(limiter.table_growing(0, 10, None).unwrap());
        assert!(!limiter.table_growing(0, 1, None).unwrap());
        assert_eq!(
            limiter.refused,
            Some(Excess {
                which: "table-elements",
                limit: 10,
                used: Some(11)
            })
        );
    }

    #[test]
    fn a_breach_says_all_there_is_to_say() {
        let place = Place {
            function: "run",
            action: "acme:drain".into(),
        };
        let failure = Excess {
            which: "calls",
            limit: 3,
            used: Some(4),
        }
        .failure(&place, "called a capability again");
        assert_eq!(failure.kind, FailureKind::LimitExceeded);
        assert_eq!(failure.code.as_deref(), Some(codes::LIMIT));
        for part in [
            "`calls`",
            "4",
            "3",
            "`run`",
            "acme:drain",
            "raise `calls` under `[limits]`",
        ] {
            assert!(failure.message.contains(part), "{}", failure.message);
        }
    }

    #[test]
    fn numbers_have_units() {
        assert_eq!(amount("call-cpu-ms", 10), "10 ms");
        assert_eq!(amount("log-line-bytes", 8192), "8192 bytes");
        assert_eq!(amount("memory-bytes", 3 * MIB / 2), "1572864 bytes (1.5 MiB)");
        assert_eq!(amount("calls", 4), "4");
    }

    #[test]
    fn every_limit_is_documented_with_its_default() {
        let page = include_str!("../../../docs/PLUGINS.md");
        for (name, value) in Limits::default().entries() {
            let row = page.lines().find(|line| line.starts_with(&format!("| `{name}` | ")));
            let said = row.unwrap_or_else(|| panic!("{name} has no row")).split(" | ").nth(1);
            let said = said.unwrap().replace(',', "");
            let (number, unit) = said.split_once(' ').unwrap_or((&said, ""));
            let shift = match unit {
                "" | "ms" => 0,
                "KiB" => 10,
                "MiB" => 20,
                "GiB" => 30,
                other => panic!("{name}: {other}"),
            };
            assert_eq!(number.parse::<u64>().unwrap() << shift, value, "{name}");
        }
    }

    #[test]
    fn names_are_those_of_the_configuration() {
        let limits = Limits::default();
        let json = serde_json::to_value(&limits).unwrap();
        assert_eq!(json.as_object().unwrap().len(), limits.entries().len());
        for (name, value) in limits.entries() {
            assert_eq!(json[name], value, "{name}");
        }
        assert!(
            serde_json::from_str::<Limits>("{\"memory\": 1}").is_err(),
            "a misspelt limit is refused"
        );
    }
}
