"""The step's log. Needs no grant. `print` and the module `logging` write to it as well.

Lines that are written again in a replay are dropped. A line takes named values beside its text: they are added to it as
`name=value`, with a value as JSON where it is more than a word.
"""

import json
import logging
import re

from .host import current

__all__ = ["Handler", "debug", "error", "info", "progress", "warn", "write"]

#: A value that needs no quotes.
WORD = re.compile(r"[\w.:/@+-]+")


def write(level, message, **fields):
    """Writes one line at a level: `debug`, `info`, `warn` or `error`."""
    current().log(level, " ".join([str(message), *(f"{name}={shown(value)}" for name, value in fields.items())]))


def shown(value):
    """A named value."""
    if isinstance(value, str) and WORD.fullmatch(value):
        return value
    return json.dumps(value, default=str, ensure_ascii=False)


def debug(message: object, **fields: object) -> None:
    """For the plugin's author."""
    write("debug", message, **fields)


def info(message: object, **fields: object) -> None:
    """For whoever follows the execution."""
    write("info", message, **fields)


def warn(message: object, **fields: object) -> None:
    """Something is odd."""
    write("warn", message, **fields)


def error(message: object, **fields: object) -> None:
    """Something failed."""
    write("error", message, **fields)


def progress(done: int, total: int = 0, message: str = "") -> None:
    """Says how far the step is: `done` of `total` (0: unknown), and what it does now."""
    current().progress(done, total, message)


class Handler(logging.Handler):
    """Takes the lines of the module `logging` into the step's log."""

    def emit(self, record):
        level = "error" if record.levelno >= logging.ERROR else "warn" if record.levelno >= logging.WARNING else "info"
        if record.levelno < logging.INFO:
            level = "debug"
        try:
            for line in self.format(record).split("\n"):
                current().log(level, line)
        except Exception:
            self.handleError(record)


def install():
    """Makes `logging` write here, from `INFO` on, unless the author set it up otherwise."""
    root = logging.getLogger()
    if not root.handlers:
        handler = Handler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        root.addHandler(handler)
        if root.level == logging.WARNING:
            root.setLevel(logging.INFO)
