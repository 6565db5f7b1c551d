"""Failures of a step, and errors of capabilities: both are exceptions."""

import json
import linecache
import os
import traceback

#: Why a step failed, as `onFailure` and retries of a runbook see it.
KINDS = (
    "invalid-input",
    "failed",
    "verification",
    "denied",
    "throttled",
    "timed-out",
    "limit-exceeded",
    "uncertain",
    "rejected",
)
#: Kinds that another attempt does not mend.
FOR_GOOD = ("invalid-input", "denied", "uncertain", "rejected")
#: How many places a failure's message shows, and its details.
PLACES_SHOWN, PLACES_KEPT = 2, 10
#: Where this library is, so that its own lines are left out of what authors see.
OWN = os.path.dirname(os.path.abspath(__file__))


class Failure(Exception):
    """Raise it to fail the step: what happened, where, why and what to do, for the person who reads it at night."""

    def __init__(self, kind: str, message: str, retryable: bool | None = None, details: dict | None = None):
        if kind not in KINDS:
            raise ValueError(f"`{kind}` is no kind of failure: there are {', '.join(KINDS)}")
        super().__init__(message)
        self.kind = kind
        self.message = message
        #: Whether another attempt can help. The runbook says how many there are.
        self.retryable = kind not in FOR_GOOD if retryable is None else retryable
        #: More, as a dict that JSON can hold, or `None`.
        self.details = details

    def __str__(self):
        return self.message


class CapabilityError(Exception):
    """A capability did not do what it was asked. Not caught, it fails the step with its own kind."""

    #: The error's name in the contract, the kind of failure it becomes, and whether another attempt can help.
    name, kind, retryable = "", "failed", False

    def recorded(self):
        """As the journal keeps it."""
        return {self.name: str(self)}


class Denied(CapabilityError):
    """The operator has not granted it."""

    name, kind, retryable = "denied", "denied", False

    def __init__(self, capability, missing):
        super().__init__(capability, missing)
        #: What was tried, for example `files`, and the grant that is missing, as an operator would write it.
        self.capability, self.missing = capability, missing

    def __str__(self):
        return f"`{self.capability}` is not granted: add the grant `{self.missing}` to the plugin's `grants`"

    def recorded(self):
        return {self.name: {"capability": self.capability, "missing": self.missing}}


class NotFound(CapabilityError):
    """The thing named does not exist: a path, a parameter, a target, a program."""

    name, kind, retryable = "not-found", "failed", True


class Invalid(CapabilityError):
    """The request itself makes no sense; the same request will never work."""

    name, kind, retryable = "invalid", "failed", False


class Throttled(CapabilityError):
    """Too many requests; the same request may work later."""

    name, kind, retryable = "throttled", "throttled", True


class TimedOut(CapabilityError):
    """The time given was over first."""

    name, kind, retryable = "timed-out", "timed-out", True


class LimitExceeded(CapabilityError):
    """A limit of the engine. Nothing was done."""

    name, kind, retryable = "limit-exceeded", "limit-exceeded", True

    def __init__(self, which, limit, used):
        super().__init__(which, limit, used)
        self.which, self.limit, self.used = which, limit, used

    def __str__(self):
        return (
            f"limit `{self.which}` exceeded: {self.used} of at most {self.limit}; raise it in the engine's limits or ask "
            "for less"
        )

    def recorded(self):
        return {self.name: {"which": self.which, "limit": self.limit, "used": self.used}}


class Unavailable(CapabilityError):
    """The other side failed or could not be reached; the same request may work later."""

    name, kind, retryable = "unavailable", "failed", True


class Uncertain(CapabilityError):
    """The engine stopped while the effect was under way, and nobody knows whether it happened."""

    name, kind, retryable = "uncertain", "uncertain", False


#: The errors by their names in the contract.
ERRORS = {each.name: each for each in CapabilityError.__subclasses__()}


def from_record(recorded):
    """The error that the journal keeps in this form."""
    ((name, value),) = recorded.items()
    return ERRORS[name](**value) if isinstance(value, dict) else ERRORS[name](value)


def failure_of(error):
    """The failure that an exception is. One that the author did not mean says where it came from."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, CapabilityError):
        return Failure(error.kind, str(error), error.retryable)
    told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    places = [place(frame) for frame in own_frames(error)]
    message = "\n".join([told, *(f"  at {each}" for each in places[-PLACES_SHOWN:])])
    return Failure("failed", message, True, {"exception": type(error).__name__, "traceback": places[-PLACES_KEPT:]})


def own_frames(error):
    """The frames of the author's own code, the innermost last. All of them when none is."""
    frames = list(traceback.extract_tb(error.__traceback__))
    own = [frame for frame in frames if not is_foreign(frame.filename)]
    return own or frames


def is_foreign(filename):
    """Whether a file is this library's or the language's own."""
    path = os.path.abspath(filename)
    return path.startswith((OWN, os.path.dirname(os.path.abspath(os.__file__)))) or filename.startswith("<")


def place(frame):
    """`plugin.py:12, in restart: the line`."""
    line = linecache.getline(frame.filename, frame.lineno).strip()
    return f"{os.path.basename(frame.filename)}:{frame.lineno}, in {frame.name}" + (f": {line}" if line else "")


def details_text(details):
    """A failure's details as the contract takes them."""
    return None if details is None else json.dumps(details, default=str)
