"""Asks people. Needs the grant `approvals`. While they think, no instance of the plugin exists."""

import datetime
from collections.abc import Iterable

from . import clock
from .host import call
from .shapes import Decision, Vote

__all__ = ["Decision", "Vote", "request"]


def request(
    message: str, approvers: Iterable[str] = ("*",), quorum: int = 1, deadline: datetime.datetime | None = None
) -> Decision:
    """Asks and waits for the decision; raises `TimedOut` after the deadline, a `datetime`.

    `approvers`: user names, or `*` for everyone who may use this engine. One rejection decides at once.
    """
    return call(
        "approvals.request",
        message=message,
        approvers=list(approvers),
        quorum=quorum,
        deadline=clock.timestamp(deadline),
    )
