"""Write a Runwright plugin in Python.

A plugin is a WebAssembly component that provides one action of the runbook language. It is a function with a dataclass for
its inputs and one for its outputs:

    from dataclasses import dataclass
    from typing import Annotated

    from runwright import action, commands

    @dataclass
    class Inputs:
        service: Annotated[str, "The unit's name."]

    @dataclass
    class Outputs:
        active: Annotated[bool, "Whether it is active."]

    @action("acme:serviceStatus", version="1.0.0", impact="non-mutating", capabilities={"commands": "Runs systemctl."})
    def service_status(inputs: Inputs) -> Outputs:
        "Asks systemd whether a service is active."
        return Outputs(active=commands.run("systemctl", "is-active", inputs.service).ok)

The modules beside this one are the capabilities, one for each interface of wit/: `commands`, `files`, `http`, `parameters`,
`approvals`, `waits`, `blobs`, `executions`, `aws`; and `log` and `step`, which need no grant. `runwright.testing` has a
world that only answers, for unit tests in any Python.
"""

from . import approvals, aws, blobs, commands, executions, files, http, log, parameters, step, waits
from .action import Action, Context, action
from .clock import now
from .done import Call, Done
from .errors import (
    CapabilityError,
    Denied,
    Failure,
    Invalid,
    LimitExceeded,
    NotFound,
    Throttled,
    TimedOut,
    Unavailable,
    Uncertain,
)
from .schema import Least, Most, Name, Pattern

__all__ = [
    "Action",
    "Call",
    "CapabilityError",
    "Context",
    "Denied",
    "Done",
    "Failure",
    "Invalid",
    "Least",
    "LimitExceeded",
    "Most",
    "Name",
    "NotFound",
    "Pattern",
    "Throttled",
    "TimedOut",
    "Unavailable",
    "Uncertain",
    "action",
    "approvals",
    "aws",
    "blobs",
    "commands",
    "executions",
    "files",
    "http",
    "log",
    "now",
    "parameters",
    "step",
    "waits",
]
