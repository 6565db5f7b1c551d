//! Parameters in memory.

use std::collections::BTreeMap;

use crate::{Error, NewValue, Parameter, ParameterType, Timestamp};

/// All versions of every parameter. A secure one is kept as its placeholder: no test needs more.
#[derive(Debug, Default)]
pub(super) struct Parameters(BTreeMap<String, Vec<Parameter>>);

fn not_found(name: &str) -> Error {
    Error::NotFound(format!("there is no parameter `{name}`"))
}

impl Parameters {
    pub(super) fn get(&self, selector: &str) -> Result<Parameter, Error> {
        let (name, wanted) = selector
            .split_once(':')
            .map_or((selector, None), |(name, rest)| (name, Some(rest)));
        let versions = self.0.get(name).ok_or_else(|| not_found(name))?;
        let found = match wanted {
            None => versions.last(),
            Some(wanted) => versions
                .iter()
                .find(|p| p.version.to_string() == wanted || p.labels.iter().any(|label| label == wanted)),
        };
        found.cloned().ok_or_else(|| not_found(selector))
    }

    pub(super) fn by_path(&self, path: &str, recursive: bool) -> Vec<Parameter> {
        let below = format!("{}/", path.trim_end_matches('/'));
        let fits = |name: &str| {
            name.strip_prefix(&below)
                .is_some_and(|rest| recursive || !rest.contains('/'))
        };
        self.0
            .iter()
            .filter(|(name, _)| fits(name))
            .filter_map(|(_, versions)| versions.last().cloned())
            .collect()
    }

    pub(super) fn put(
        &mut self,
        name: &str,
        parameter_type: ParameterType,
        value: &NewValue,
        overwrite: bool,
        modified: Timestamp,
    ) -> Result<Parameter, Error> {
        let versions = self.0.entry(name.to_owned()).or_default();
        if !overwrite && !versions.is_empty() {
            return Err(Error::Invalid(format!("the parameter `{name}` exists")));
        }
        let version = versions.len() as u64 + 1;
        let text = match value {
            NewValue::Given(text) => text.clone(),
            NewValue::Generated(length) => "x".repeat(*length as usize),
        };
        let value = if parameter_type == ParameterType::Secure {
            format!("((secret:{name}:{version}))")
        } else {
            text
        };
        let parameter = Parameter {
            name: name.to_owned(),
            parameter_type,
            value,
            version,
            modified,
            labels: Vec::new(),
        };
        versions.push(parameter.clone());
        Ok(parameter)
    }

    pub(super) fn delete(&mut self, name: &str) {
        self.0.remove(name);
    }

    pub(super) fn history(&self, name: &str) -> Result<Vec<Parameter>, Error> {
        self.0.get(name).cloned().ok_or_else(|| not_found(name))
    }

    pub(super) fn label(&mut self, name: &str, version: u64, label: &str) -> Result<(), Error> {
        let versions = self.0.get_mut(name).ok_or_else(|| not_found(name))?;
        if !versions.iter().any(|p| p.version == version) {
            return Err(not_found(&format!("{name}:{version}")));
        }
        for parameter in versions {
            parameter.labels.retain(|kept| kept != label);
            if parameter.version == version {
                parameter.labels.push(label.to_owned());
            }
        }
        Ok(())
    }
}
