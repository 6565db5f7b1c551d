"""The host behind the capabilities: the engine in a running plugin, a `runwright.testing.World` in tests.

A request is a dict with the names that the journal has; an answer is the value that the journal keeps of it, with bytes as
bytes. So what a rollback reads of the journal has the shapes that the calls themselves had.
"""

from . import shapes

_current = None


class NoHost(RuntimeError):
    """A capability was called where nobody answers."""


def current():
    """The host that answers now."""
    if _current is None:
        raise NoHost("capabilities answer while the engine calls the plugin, and in tests inside `with World() as world:`")
    return _current


def use(host):
    """Puts another host in place, and answers the one before."""
    global _current
    before, _current = _current, host
    return before


def call(function, **request):
    """Makes one capability call. Raises a `CapabilityError` when the host does not do it."""
    return shapes.answer(function, current().call(function, request))
