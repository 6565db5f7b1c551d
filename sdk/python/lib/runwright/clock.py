"""Moments and durations: `datetime` and seconds here, milliseconds in the contract."""

import datetime
import time

UTC = datetime.timezone.utc
#: Seconds, or a `timedelta`.
Duration = float | datetime.timedelta


def now() -> datetime.datetime:
    """The time: that of the last answered call, so that a replay sees the same."""
    return moment(round(time.time() * 1000))


def moment(milliseconds):
    """A timestamp of the contract as a `datetime` with a time zone; `None` stays."""
    if milliseconds is None:
        return None
    return datetime.datetime.fromtimestamp(milliseconds // 1000, UTC).replace(microsecond=milliseconds % 1000 * 1000)


def timestamp(when):
    """A `datetime` as the contract has it. One without a time zone is refused: nobody knows which moment it is."""
    if when is None:
        return None
    if when.tzinfo is None:
        raise ValueError(f"{when!r} has no time zone: make it with `runwright.now()` or `datetime.now(timezone.utc)`")
    return round(when.timestamp() * 1000)


def milliseconds(duration):
    """Seconds, or a `timedelta`, in milliseconds; `None` stays."""
    if duration is None:
        return None
    seconds = duration.total_seconds() if isinstance(duration, datetime.timedelta) else duration
    if seconds < 0:
        raise ValueError(f"a duration cannot be negative, and this is {seconds} s")
    return round(seconds * 1000)
