//! Actions that the compiler knows without a plugin.

pub(crate) use runwright_model::action::POWER_SHELL;

pub(crate) const LOOP: &str = "aws:loop";
pub(crate) const BRANCH: &str = "aws:branch";
pub(crate) const UPDATE_VARIABLE: &str = "aws:updateVariable";
pub(crate) const EXECUTE_SCRIPT: &str = "aws:executeScript";

/// Every action of Systems Manager that runbooks may use.
pub(crate) const SSM_ACTIONS: [&str; 23] = [
    "aws:approve",
    "aws:assertAwsResourceProperty",
    BRANCH,
    "aws:changeInstanceState",
    "aws:copyImage",
    "aws:createImage",
    "aws:createStack",
    "aws:createTags",
    "aws:deleteImage",
    "aws:deleteStack",
    "aws:executeAutomation",
    "aws:executeAwsApi",
    EXECUTE_SCRIPT,
    "aws:executeStateMachine",
    "aws:invokeLambdaFunction",
    "aws:invokeWebhook",
    LOOP,
    "aws:pause",
    "aws:runCommand",
    "aws:runInstances",
    "aws:sleep",
    UPDATE_VARIABLE,
    "aws:waitForAwsResourceProperty",
];

/// Actions that only work inside AWS, each with the reason.
pub(crate) const REFUSED: [(&str, &str); 3] = [
    (
        "aws:putServerUpgradeMetrics",
        "it reports to a metric store inside AWS that nobody else can write",
    ),
    ("aws:shareSQLMedia", "it shares installation media that AWS holds"),
    (
        "aws:installDistributorPackageOnAzure",
        "it acts through a connector inside AWS",
    ),
];

/// Actions whose whole response is the output `OutputPayload`.
pub(crate) const WITH_PAYLOAD: [&str; 4] = [
    "aws:executeAwsApi",
    EXECUTE_SCRIPT,
    "aws:invokeLambdaFunction",
    POWER_SHELL,
];

/// Actions that a cancelled execution must not go on with.
pub(crate) const NOT_AFTER_CANCEL: [&str; 8] = [
    "aws:approve",
    "aws:copyImage",
    "aws:createImage",
    "aws:createStack",
    "aws:createTags",
    "aws:pause",
    "aws:runInstances",
    "aws:sleep",
];

/// Whether the engine itself does it: no plugin is needed.
pub(crate) fn is_built_in(action: &str) -> bool {
    matches!(action, BRANCH | LOOP | UPDATE_VARIABLE)
}
