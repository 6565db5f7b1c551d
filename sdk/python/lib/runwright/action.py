"""The decorator that makes an action of a function or a class, and what it needs to know of it."""

import dataclasses
import datetime
import inspect
import json
import typing

from . import clock, schema
from .done import Done
from .errors import Failure

CAPABILITIES = ("commands", "files", "http", "parameters", "approvals", "waits", "blobs", "executions", "aws")
IMPACTS = ("mutating", "non-mutating", "undetermined")


@dataclasses.dataclass(frozen=True)
class Context:
    """Where a call stands. A function with a parameter named `context` gets it."""

    execution_id: str
    step: str
    #: The visit of the step: 1, or more when a jump or a loop came back to it.
    visit: int
    #: The attempt within the visit, from 1.
    attempt: int
    #: The same when this attempt runs again after a crash. Hand it to a service that takes one.
    idempotency_key: str
    #: When the step will be stopped, if it has a time limit.
    deadline: typing.Optional[datetime.datetime] = None
    #: W3C trace context of the step, to hand on.
    trace_parent: typing.Optional[str] = None


@dataclasses.dataclass
class Action:
    """An action: what `action` makes of a function."""

    name: str
    version: str
    description: str
    impact: str
    capabilities: dict
    run: typing.Callable
    undo: typing.Optional[typing.Callable] = None

    def __post_init__(self):
        hints = typing.get_type_hints(self.run, include_extras=True)
        names = [name for name in inspect.signature(self.run).parameters if name != "context"]
        if len(names) != 1 or names[0] not in hints or "return" not in hints:
            raise TypeError(
                f"the function of {self.name} takes its inputs (and `context`, if it likes) with type hints, as in "
                "`def run(inputs: Inputs) -> Outputs:`"
            )
        self.inputs, self.outputs = hints[names[0]], hints["return"]
        self.manifest()

    def __call__(self, *arguments, **named):
        """Calls the author's function."""
        return self.run(*arguments, **named)

    def rollback(self, function: typing.Callable) -> typing.Callable:
        """Makes this function undo what the action did: `(inputs, done)`. Must be safe when there is nothing to undo."""
        self.undo = function
        return function

    def manifest(self):
        """What the plugin says of itself, with schemas as dicts."""
        return {
            "action": self.name,
            "version": self.version,
            "description": self.description,
            "inputs": schema.of_object(self.inputs, "inputs"),
            "outputs": schema.of_object(self.outputs, "outputs"),
            "capabilities": [{"capability": name, "why": why} for name, why in self.capabilities.items()],
            "rollback": self.undo is not None,
            "impact": self.impact,
        }

    def run_json(self, context, inputs):
        """Runs from JSON text to JSON text, as the engine calls it."""
        outputs = call(self.run, context, self.read(inputs))
        if outputs is None:
            outputs = {}
        try:
            text = json.dumps(schema.encode(outputs), allow_nan=False, ensure_ascii=False)
            text.encode()  # Half a pair of surrogates is no text outside of Python.
            return text
        except (TypeError, ValueError) as error:
            raise Failure("failed", f"the step ended, but its outputs cannot be written as JSON: {error}") from None

    def rollback_json(self, context, inputs, outputs, calls):
        """Rolls back. `outputs`: JSON text, or `None`; `calls`: a list of `Call`."""
        if self.undo is None:
            return
        read = schema.decode(self.outputs, json.loads(outputs)) if outputs is not None and self.outputs else None
        call(self.undo, context, self.read(inputs), Done(read, calls))

    def read(self, inputs):
        """The inputs, as the function takes them."""
        try:
            return schema.decode(self.inputs, json.loads(inputs))
        except Failure as failure:
            raise Failure("invalid-input", f"the inputs of {self.name} do not fit: {failure}") from None


def call(function, context, *values):
    """Calls a function with the values in order, and with the context where a parameter has that name."""
    values = iter(values)
    names = inspect.signature(function).parameters
    return function(*(context if name == "context" else next(values) for name in names))


def action(
    name: str,
    *,
    version: str,
    impact: str = "mutating",
    capabilities: dict[str, str] | None = None,
    description: str | None = None,
) -> typing.Callable[[typing.Callable | type], Action]:
    """Makes an action of a function, or of a class with `run` and perhaps `rollback`.

    `name`: as in runbooks, `acme:drain`. `capabilities`: capability to the reason that an operator reads before granting
    it. `description`: one sentence; the first line of the docstring when it is not given.
    """
    if impact not in IMPACTS:
        raise ValueError(f"{name}: `{impact}` is no impact; there are {', '.join(IMPACTS)}")
    for capability in capabilities or {}:
        if capability not in CAPABILITIES:
            raise ValueError(f"{name}: there is no capability `{capability}`; there are {', '.join(CAPABILITIES)}")

    def decorate(made_of):
        said = description or (inspect.getdoc(made_of) or "").partition("\n")[0]
        if not said:
            raise ValueError(f"{name} has no description: say in a docstring what a step with this action does")
        made = made_of() if inspect.isclass(made_of) else None
        run = made.run if made is not None else made_of
        undo = getattr(made, "rollback", None)
        return Action(name, version, said, impact, dict(capabilities or {}), run, undo)

    return decorate


def action_of(module):
    """The one action of a module."""
    found = {id(each): each for each in vars(module).values() if isinstance(each, Action)}
    if len(found) != 1:
        raise TypeError(f"`{module.__name__}` must have one action (`@runwright.action(…)`), and has {len(found)}")
    return next(iter(found.values()))


def context_of(told):
    """The context, of an object with the names of the contract."""
    return Context(
        told.execution_id,
        told.step,
        told.visit,
        told.attempt,
        told.idempotency_key,
        clock.moment(told.deadline),
        told.trace_parent,
    )
