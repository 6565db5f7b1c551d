"""What capabilities answer, as dataclasses. Their fields are those of wit/; moments are `datetime`s."""

import dataclasses
import datetime
import json
import typing
from typing import Optional

from . import clock
from .errors import Failure

#: How much of what a command wrote a failure shows.
LAST_WORDS_MAX = 500


@dataclasses.dataclass(frozen=True)
class Completed:
    """How a command ended. One that ran and failed is an answer, not an error."""

    exit_code: Optional[int]
    signal: Optional[int]
    stdout: str
    stderr: str
    #: The whole output as a blob, when `stdout` was cut.
    stdout_blob: Optional[str]
    stderr_blob: Optional[str]
    duration_ms: int

    @property
    def ok(self) -> bool:
        """Whether it ended with exit code 0."""
        return self.exit_code == 0

    @property
    def how(self) -> str:
        """How it ended, for people: `exit code 3`, `signal 9`."""
        return f"exit code {self.exit_code}" if self.exit_code is not None else f"signal {self.signal}"

    @property
    def last_words(self) -> str:
        """The end of what it wrote to standard error, or to standard output when there is nothing."""
        said = self.stderr.strip() or self.stdout.strip()
        return said if len(said) <= LAST_WORDS_MAX else "…" + said[-LAST_WORDS_MAX:]

    def check(self, doing: str = "the command") -> "Completed":
        """Itself, when it ended well; otherwise the step fails and says how it ended."""
        if not self.ok:
            raise Failure("failed", f"{doing} ended with {self.how}: {self.last_words or 'it wrote nothing'}")
        return self


@dataclasses.dataclass(frozen=True)
class NodeEnd:
    """How a Command document ended on one managed node."""

    node: str
    status: str
    response_code: int
    stdout: str
    stderr: str


@dataclasses.dataclass(frozen=True)
class DocumentEnd:
    """How a Command document ended."""

    command_id: str
    status: str
    details: str
    targets: int
    errors: int
    nodes: list[NodeEnd]


@dataclasses.dataclass(frozen=True)
class Facts:
    """Facts of a path. Symbolic links are not followed."""

    #: `file`, `directory`, `symlink` or `other`.
    kind: str
    size: int
    mode: int
    owner: str
    group: str
    modified: datetime.datetime
    link: Optional[str] = None
    sha256: Optional[str] = None


@dataclasses.dataclass(frozen=True)
class Kept:
    """What stood at a path, kept by the engine so that it can be put back."""

    path: str
    #: What was there; `None` when nothing was.
    before: Optional[Facts]
    #: A name that only `files.restore` understands.
    contents: Optional[str]


@dataclasses.dataclass(frozen=True)
class Response:
    """An answer to a request. Every status is an answer."""

    status: int
    #: Names in lower case, and values.
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")

    def json(self) -> typing.Any:
        """The body as a JSON value."""
        return json.loads(self.body)

    def header(self, name: str) -> Optional[str]:
        """The first header of this name, or `None`."""
        return next((value for known, value in self.headers if known.lower() == name.lower()), None)


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One version of a parameter. The value of a `SecureString` is a text that stands for it."""

    name: str
    #: `String`, `StringList` or `SecureString`.
    parameter_type: str
    value: str
    version: int
    modified: datetime.datetime
    labels: list[str]


@dataclasses.dataclass(frozen=True)
class Vote:
    """One person's word."""

    approver: str
    approved: bool
    comment: Optional[str]
    at: datetime.datetime


@dataclasses.dataclass(frozen=True)
class Decision:
    """What was decided."""

    approved: bool
    votes: list[Vote]


@dataclasses.dataclass(frozen=True)
class Received:
    """A signal."""

    by: str
    at: datetime.datetime
    payload: typing.Any


@dataclasses.dataclass(frozen=True)
class Probed:
    """How a wait for a probe went."""

    probes: int
    waited_ms: int


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a child execution ended."""

    #: `Success`, `Failed`, `TimedOut`, `Cancelled`, `RolledBack` or `RollbackFailed`.
    status: str
    #: Its declared outputs: `step.output` to value.
    outputs: dict
    failure: Optional[str]


def facts(value):
    """Facts of a path, or `None`."""
    return None if value is None else Facts(**value | {"modified": clock.moment(value["modified"])})


def kept(value):
    """What a snapshot kept."""
    return Kept(value["path"], facts(value["before"]), value["contents"])


def kept_record(value):
    """The same as the journal has it."""
    before = value.before
    if before is not None:
        before = dataclasses.asdict(before) | {"modified": clock.timestamp(before.modified)}
    return {"path": value.path, "before": before, "contents": value.contents}


def parameter(value):
    """One version of a parameter."""
    return Parameter(**value | {"modified": clock.moment(value["modified"])})


def decision(value):
    """What people decided."""
    votes = [Vote(**vote | {"at": clock.moment(vote["at"])}) for vote in value["votes"]]
    return Decision(value["approved"], votes)


def response(value):
    """An answer to a request."""
    return Response(value["status"], [tuple(header) for header in value["headers"]], value["body"])


#: What the answer of each function becomes. Functions that are not here answer as the journal has it.
ANSWERS = {
    "commands.run": lambda value: Completed(**value),
    "commands.run-document": lambda value: DocumentEnd(**value | {"nodes": [NodeEnd(**node) for node in value["nodes"]]}),
    "files.stat": facts,
    "files.snapshot": kept,
    "http.send": response,
    "aws.send": response,
    "parameters.get": parameter,
    "parameters.put": parameter,
    "parameters.get-by-path": lambda value: [parameter(each) for each in value],
    "parameters.history": lambda value: [parameter(each) for each in value],
    "approvals.request": decision,
    "waits.signal": lambda value: Received(**value | {"at": clock.moment(value["at"])}),
    "waits.probe": lambda value: Probed(**value),
    "executions.wait": lambda value: Outcome(**value),
}


def answer(function, value):
    """An answer of the host as authors get it."""
    make = ANSWERS.get(function)
    return value if make is None else make(value)
