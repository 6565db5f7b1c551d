//! Figures by name, from the processes that measure to the table.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What one measurement found, each figure with its unit in its name: `step_us`, `raw_per_s`.
pub(crate) type Measured = BTreeMap<String, f64>;

/// What all found.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    measured: BTreeMap<String, Measured>,
    missing: BTreeMap<String, String>,
    /// The machine and its load, in words.
    pub(crate) machine: Vec<String>,
}

impl Figures {
    pub(crate) fn add(&mut self, measurement: &str, measured: Measured) {
        self.measured.insert(measurement.to_owned(), measured);
    }

    /// A measurement could not be made.
    pub(crate) fn missing(&mut self, measurement: &str, why: &str) {
        crate::say(&format!("  {measurement}: not measured: {why}"));
        self.missing.insert(measurement.to_owned(), why.to_owned());
    }

    pub(crate) fn get(&self, measurement: &str, figure: &str) -> Option<f64> {
        self.measured.get(measurement)?.get(figure).copied()
    }

    /// Why a measurement has no figures.
    pub(crate) fn why_missing(&self, measurement: &str) -> Option<&str> {
        self.missing.get(measurement).map(String::as_str)
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({ "machine": self.machine, "measured": self.measured, "not_measured": self.missing })
    }
}

/// The figure that as many lie above as below.
pub(crate) fn median(figures: &mut [f64]) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
