//! The shells of script plugins.

/// What runs a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shell {
    /// `sh`.
    Posix,
    /// PowerShell.
    PowerShell,
}

impl Shell {
    /// How a script names the environment variable of a parameter with ENV_VAR.
    pub(crate) fn reference(self, parameter: &str) -> String {
        match self {
            Self::Posix => format!("${{{}}}", variable(parameter)),
            Self::PowerShell => format!("${{env:{}}}", variable(parameter)),
        }
    }
}

/// The environment variable of a parameter with ENV_VAR.
pub(crate) fn variable(parameter: &str) -> String {
    format!("SSM_{parameter}")
}
