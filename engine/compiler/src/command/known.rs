//! The plugins of Command documents: what the node agent has, and what of it there is here.

use super::{Schema, script::Shell};

/// One plugin.
#[derive(Debug)]
pub(crate) struct Plugin {
    pub(crate) name: &'static str,
    /// The oldest schema that has it.
    pub(crate) since: Schema,
    pub(crate) here: Here,
    /// The shell of its script.
    pub(crate) shell: Option<Shell>,
    /// Its inputs. The agent reads their names in any case.
    pub(crate) inputs: &'static [&'static str],
    /// How many of them, from the first, must be given.
    pub(crate) required: usize,
}

/// Whether a plugin does its work here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Here {
    /// A component does it.
    Provided,
    /// It exists on Windows alone. On others it is skipped (schema 2.2), or fails.
    WindowsOnly,
    /// It cannot work here, for this reason: it fails.
    Refused(&'static str),
}

const SCRIPT: &[&str] = &["runCommand", "timeoutSeconds", "workingDirectory"];

const fn plugin(
    name: &'static str,
    since: Schema,
    here: Here,
    inputs: &'static [&'static str],
    required: usize,
) -> Plugin {
    Plugin {
        name,
        since,
        here,
        shell: None,
        inputs,
        required,
    }
}

/// All of them, sorted by name.
pub(crate) const PLUGINS: &[Plugin] = &[
    plugin(
        "aws:applications",
        Schema::V1_2,
        Here::WindowsOnly,
        &["action", "source", "parameters", "sourceHash"],
        2,
    ),
    plugin("aws:cloudWatch", Schema::V1_2, Here::WindowsOnly, &[], 0),
    plugin(
        "aws:configureDocker",
        Schema::V2_0,
        Here::Refused(
            "which packages make Docker is for whoever owns the machine to say; install it with aws:runShellScript",
        ),
        &["action"],
        1,
    ),
    plugin(
        "aws:configurePackage",
        Schema::V2_0,
        Here::Provided,
        &["name", "action", "version", "installationType", "additionalArguments"],
        2,
    ),
    plugin(
        "aws:domainJoin",
        Schema::V1_2,
        Here::Refused(
            "it joins a machine to a directory of AWS Directory Service, with a computer account that only the service makes",
        ),
        &[
            "directoryId",
            "directoryName",
            "directoryOU",
            "dnsIpAddresses",
            "hostName",
            "hostNameNumAppendDigits",
            "keepHostName",
        ],
        2,
    ),
    plugin(
        "aws:downloadContent",
        Schema::V2_0,
        Here::Provided,
        &["sourceType", "sourceInfo", "destinationPath"],
        2,
    ),
    plugin(
        "aws:psModule",
        Schema::V1_2,
        Here::WindowsOnly,
        &[
            "source",
            "runCommand",
            "sourceHash",
            "timeoutSeconds",
            "workingDirectory",
        ],
        1,
    ),
    plugin(
        "aws:refreshAssociation",
        Schema::V2_0,
        Here::Refused("associations are State Manager's, which knows nothing of this machine"),
        &["associationIds"],
        0,
    ),
    plugin(
        "aws:runDockerAction",
        Schema::V2_0,
        Here::Refused("it is not provided yet; run `docker` with aws:runShellScript"),
        &[
            "action",
            "container",
            "image",
            "cmd",
            "memory",
            "cpuShares",
            "volume",
            "env",
            "user",
            "publish",
        ],
        1,
    ),
    plugin(
        "aws:runDocument",
        Schema::V2_0,
        Here::Provided,
        &["documentType", "documentPath", "documentParameters"],
        1,
    ),
    Plugin {
        shell: Some(Shell::PowerShell),
        ..plugin("aws:runPowerShellScript", Schema::V1_2, Here::Provided, SCRIPT, 1)
    },
    Plugin {
        shell: Some(Shell::Posix),
        ..plugin("aws:runShellScript", Schema::V1_2, Here::Provided, SCRIPT, 1)
    },
    plugin(
        "aws:softwareInventory",
        Schema::V2_0,
        Here::Provided,
        &[
            "applications",
            "awsComponents",
            "files",
            "networkConfig",
            "windowsUpdates",
            "instanceDetailedInformation",
            "services",
            "windowsRegistry",
            "windowsRoles",
            "customInventory",
            "customInventoryDirectory",
            "billingInfo",
        ],
        0,
    ),
    plugin(
        "aws:updateAgent",
        Schema::V1_2,
        Here::WindowsOnly,
        &["agentName", "source", "allowDowngrade", "targetVersion"],
        1,
    ),
    plugin(
        "aws:updateSsmAgent",
        Schema::V1_2,
        Here::Refused("there is no SSM Agent here: Runwright is what runs the document"),
        &["agentName", "allowDowngrade", "source", "targetVersion"],
        1,
    ),
];

/// The plugin of this name.
pub(crate) fn find(name: &str) -> Option<&'static Plugin> {
    PLUGINS.iter().find(|plugin| plugin.name == name)
}

/// Whether Command documents have a plugin of this name, which runbooks then have no action of.
#[must_use]
pub fn is_plugin(name: &str) -> bool {
    find(name).is_some()
}
