"""Programs and scripts on a target. Needs the grant `commands`."""

from . import clock
from .host import call
from .shapes import Completed, DocumentEnd, NodeEnd

__all__ = ["Completed", "DocumentEnd", "NodeEnd", "run", "run_document", "script"]


def run(
    *arguments: object,
    on: str | None = None,
    script: str | None = None,
    stdin: str | bytes | None = None,
    environment: dict[str, str] | None = None,
    working_directory: str | None = None,
    run_as: str | None = None,
    timeout: clock.Duration | None = None,
) -> Completed:
    """Runs a program with its arguments and waits for its end: `run("systemctl", "restart", name)`.

    Never put a secret into the arguments: every process of the machine sees them. `script` is the text of a file whose path
    is added as the last argument; `stdin` text or bytes; `environment` a dict; `timeout` seconds or a `timedelta`. A
    command that ran and failed is an answer: look at `exit_code`, or call `check()`.
    """
    command = {
        "arguments": [str(each) for each in arguments],
        "script": script,
        "stdin": stdin.encode() if isinstance(stdin, str) else stdin,
        "environment": dict(environment or {}),
        "working_directory": working_directory,
        "run_as": run_as,
        "timeout_ms": clock.milliseconds(timeout),
    }
    return call("commands.run", on=on, command=command)


def script(text: str, **options) -> Completed:
    """Runs a script by the interpreter that its first line names (`#!/usr/bin/env python3`), else by `/bin/sh`."""
    first = text.partition("\n")[0]
    interpreter = first[2:].strip().split(None, 1) if first.startswith("#!") else []
    return run(*(interpreter or ["/bin/sh"]), script=text, **options)


def run_document(request: dict) -> DocumentEnd:
    """Has Systems Manager run a Command document on managed nodes. `request`: that of `SendCommand`, as a dict."""
    return call("commands.run-document", request=request)
