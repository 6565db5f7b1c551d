"""Waits, durably: no instance exists while time passes. Needs the grant `waits`.

`time.sleep` is a `sleep` of this module too.
"""

import datetime

from . import clock
from .host import call
from .shapes import Probed, Received

__all__ = ["Probed", "Received", "command", "file", "http", "probe", "signal", "sleep", "sleep_until", "tcp"]


def sleep(duration: clock.Duration) -> None:
    """Waits this long: seconds, or a `timedelta`."""
    call("waits.sleep", duration_ms=clock.milliseconds(duration))


def sleep_until(moment: datetime.datetime) -> None:
    """Waits until a moment, a `datetime`. Returns at once when it has passed."""
    call("waits.sleep-until", moment=clock.timestamp(moment))


def signal(name: str, deadline: datetime.datetime | None = None) -> Received:
    """Waits for a signal of this name for this step; raises `TimedOut` after the deadline."""
    return call("waits.signal", name=name, deadline=clock.timestamp(deadline))


def probe(
    condition: dict,
    deadline: datetime.datetime,
    *,
    interval: clock.Duration = 1.0,
    backoff: float = 1.0,
    max_interval: clock.Duration = 60.0,
    on: str | None = None,
) -> Probed:
    """Probes until it comes true; raises `TimedOut` with the last reason after the deadline.

    `condition`: what `tcp`, `http`, `file` or `command` of this module answer. Needs the grant of the probe itself as well.
    Each pause is `backoff` times the one before, at most `max_interval`; the first is `interval`.
    """
    patience = {
        "deadline": clock.timestamp(deadline),
        "interval_ms": clock.milliseconds(interval),
        "backoff_percent": round(backoff * 100),
        "max_interval_ms": clock.milliseconds(max_interval),
    }
    return call("waits.probe", on=on, probe=condition, patience=patience)


def tcp(host: str, port: int) -> dict:
    """A port accepts connections."""
    return {"tcp": {"host": host, "port": port}}


def http(url: str, status: int | None = None) -> dict:
    """A GET of this address answers with this status; any 2xx when it is not given."""
    return {"http": {"url": url, "status": status}}


def file(path: str) -> dict:
    """A path exists."""
    return {"file": {"path": path}}


def command(*arguments: object) -> dict:
    """A command ends with exit code 0."""
    return {"command": {"arguments": [str(each) for each in arguments]}}
