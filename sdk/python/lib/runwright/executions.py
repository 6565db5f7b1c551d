"""Child executions: cancelled with their parent, at most five levels. Needs the grant `executions`."""

from .host import call
from .shapes import Outcome

__all__ = ["Outcome", "run", "start", "wait"]


def start(runbook: str, parameters: dict | None = None) -> str:
    """Starts a child and answers its id. The same call after a crash finds the same child."""
    return call("executions.start", runbook=runbook, parameters=dict(parameters or {}))


def wait(execution_id: str) -> Outcome:
    """Waits for a child's end, durably."""
    return call("executions.wait", id=execution_id)


def run(runbook: str, parameters: dict | None = None) -> Outcome:
    """Starts a child and waits for its end."""
    return wait(start(runbook, parameters))
