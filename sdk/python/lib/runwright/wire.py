"""Joins an action to the contract: the exports of a component, and its imports as a host. Only in a component.

What this module imports is there while `componentize-py` builds; everything is frozen into the component then, and nothing can
be imported from a disk later.
"""

import json
import linecache
import os
import random
import sys

from componentize_py_types import Err, Ok
from wit_world import exports as wit_exports
from wit_world.exports import action as wit
from wit_world.imports import (
    approvals,
    aws,
    blobs,
    commands,
    executions,
    files,
    http,
    log as wit_log,
    parameters,
    step as wit_step,
    types,
    waits,
)

from . import errors, host, log
from .action import action_of, context_of
from .done import Call

KINDS = {kind: wit.FailureKind[kind.upper().replace("-", "_")] for kind in errors.KINDS}
IMPACTS = {
    "mutating": wit.Impact.MUTATING,
    "non-mutating": wit.Impact.NON_MUTATING,
    "undetermined": wit.Impact.UNDETERMINED,
}
LEVELS = {level: wit_log.Level[level.upper()] for level in ("debug", "info", "warn", "error")}
TYPES = {
    "String": parameters.ParameterType.PLAIN,
    "StringList": parameters.ParameterType.TEXT_LIST,
    "SecureString": parameters.ParameterType.SECURE,
}
TYPE_NAMES = {value: name for name, value in TYPES.items()}
CONDITIONS = {
    "tcp": lambda value: waits.Condition_Tcp((value["host"], value["port"])),
    "http": lambda value: waits.Condition_Http((value["url"], value["status"])),
    "file": lambda value: waits.Condition_File(value["path"]),
    "command": lambda value: waits.Condition_Command(value["arguments"]),
}
ERRORS = {
    types.Error_Denied: lambda value: errors.Denied(value.capability, value.missing),
    types.Error_NotFound: errors.NotFound,
    types.Error_Invalid: errors.Invalid,
    types.Error_Throttled: errors.Throttled,
    types.Error_TimedOut: errors.TimedOut,
    types.Error_LimitExceeded: lambda value: errors.LimitExceeded(value.which, value.limit, value.used),
    types.Error_Unavailable: errors.Unavailable,
    types.Error_Uncertain: errors.Uncertain,
}


def pairs(value):
    """Names and values as the contract takes them."""
    return [tuple(pair) for pair in (value.items() if isinstance(value, dict) else value)]


def command(value):
    """What is to run."""
    return commands.Command(**value | {"environment": pairs(value["environment"])})


def document(value):
    """How a Command document ended."""
    return vars(value) | {"nodes": [vars(node) for node in value.nodes]}


def facts(value):
    """Facts of a path."""
    return None if value is None else vars(value) | {"kind": value.kind.name.lower()}


def kept(value):
    """What a snapshot kept."""
    return vars(value) | {"before": facts(value.before)}


def to_kept(value):
    """The same, handed back."""
    before = value["before"]
    if before is not None:
        before = files.Facts(**before | {"kind": files.Kind[before["kind"].upper()]})
    return files.Kept(value["path"], before, value["contents"])


def parameter(value):
    """One version of a parameter."""
    return vars(value) | {"parameter_type": TYPE_NAMES[value.parameter_type]}


def put(request):
    """Writes a parameter."""
    ((which, value),) = request["value"].items()
    new = parameters.NewValue_Given(value) if which == "given" else parameters.NewValue_Generated(value)
    return parameter(parameters.put(request["name"], TYPES[request["parameter_type"]], new, request["overwrite"]))


def probe(request):
    """Waits for a probe."""
    ((which, value),) = request["probe"].items()
    return vars(waits.probe(request["on"], CONDITIONS[which](value), waits.Patience(**request["patience"])))


def decision(value):
    """What people decided."""
    return {"approved": value.approved, "votes": [vars(vote) for vote in value.votes]}


def start(request):
    """Starts a child."""
    return executions.start(executions.StartRequest(request["runbook"], json.dumps(request["parameters"])))


#: Each function of the contract: from a request of the journal's shape to an answer of it.
FUNCTIONS = {
    "commands.run": lambda r: vars(commands.run(r["on"], command(r["command"]))),
    "commands.run-document": lambda r: document(commands.run_document(json.dumps(r["request"]))),
    "files.read": lambda r: files.read(r["on"], r["path"]),
    "files.write": lambda r: files.write(r["on"], r["path"], r["contents"], files.WriteOptions(**r["options"])),
    "files.stat": lambda r: facts(files.stat(r["on"], r["path"])),
    "files.list-directory": lambda r: files.list_directory(r["on"], r["path"]),
    "files.make-directory": lambda r: files.make_directory(r["on"], r["path"], r["mode"]),
    "files.link": lambda r: files.link(r["on"], r["path"], r["points_to"]),
    "files.remove": lambda r: files.remove(r["on"], r["path"]),
    "files.snapshot": lambda r: kept(files.snapshot(r["on"], r["path"])),
    "files.restore": lambda r: files.restore(r["on"], to_kept(r["snapshot"])),
    "http.send": lambda r: vars(http.send(http.Request(**r | {"headers": pairs(r["headers"])}))),
    "aws.send": lambda r: vars(aws.send(aws.Request(**r | {"headers": pairs(r["headers"])}))),
    "parameters.get": lambda r: parameter(parameters.get(r["name"])),
    "parameters.get-by-path": lambda r: [parameter(p) for p in parameters.get_by_path(r["path"], r["recursive"])],
    "parameters.put": put,
    "parameters.delete": lambda r: parameters.delete(r["name"]),
    "parameters.history": lambda r: [parameter(p) for p in parameters.history(r["name"])],
    "parameters.label": lambda r: parameters.label(r["name"], r["version"], r["label"]),
    "parameters.reveal": lambda r: parameters.reveal(r["placeholder"]),
    "approvals.request": lambda r: decision(approvals.request(approvals.Question(**r))),
    "waits.sleep": lambda r: waits.sleep(r["duration_ms"]),
    "waits.sleep-until": lambda r: waits.sleep_until(r["moment"]),
    "waits.signal": lambda r: (lambda s: vars(s) | {"payload": json.loads(s.payload)})(waits.signal(r["name"], r["deadline"])),
    "waits.probe": probe,
    "blobs.put": lambda r: blobs.put(r["contents"]),
    "blobs.get": lambda r: blobs.get(r["name"], r["offset"], r["length"]),
    "blobs.size": lambda r: blobs.size(r["name"]),
    "executions.start": start,
    "executions.wait": lambda r: (lambda o: vars(o) | {"outputs": json.loads(o.outputs)})(executions.wait(r["id"])),
}


class Imports:
    """The host of a running plugin."""

    def call(self, function, request):
        """Makes a call; raises a `CapabilityError` when it is refused."""
        try:
            return FUNCTIONS[function](request)
        except Err as refused:
            raise ERRORS[type(refused.value)](refused.value.value) from None

    def log(self, level, message):
        """Writes a line."""
        wit_log.write(LEVELS[level], plain(message))

    def progress(self, done, total, message):
        """Says how far the step is."""
        wit_log.progress(done, total, plain(message))

    def attachment(self, name):
        """The bytes of an attachment."""
        return wit_step.attachment(name)

    def globals(self):
        """The values that runbooks name `global:…`."""
        return dict(wit_step.globals())


def plain(text):
    """The text as the host takes it: what is no UTF-8 (half a pair of surrogates) would end the instance."""
    return text.encode(errors="backslashreplace").decode()


def begin():
    """Readies one call: the interpreter was frozen when the component was built.

    Without a new seed every execution would draw the same random numbers. This one comes from the engine, and is the same
    when the step runs again.
    """
    random.seed(int.from_bytes(os.urandom(32), "big"))


def end():
    """Hands over the last unfinished line."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()


def guarded(function):
    """Calls it, with exceptions as failures of the contract."""
    begin()
    try:
        return function()
    except BaseException as error:  # `sys.exit` fails the step as well
        failure = errors.failure_of(error)
        kind, details = KINDS[failure.kind], errors.details_text(failure.details)
        raise Err(wit.Failure(kind, plain(failure.message), failure.retryable, details)) from None
    finally:
        end()


def call_of(call):
    """A recorded call."""
    ok = call.answer.value if isinstance(call.answer, Ok) else None
    error = call.answer.value if isinstance(call.answer, Err) else None
    return Call.of(call.function, call.request, ok, error)


def keep_sources(beside):
    """Keeps the lines of the author's files, so that a failure can show them: no file is there later."""
    folder = os.path.dirname(beside.__file__) + os.sep
    for module in list(sys.modules.values()):
        name = getattr(module, "__file__", None) or ""
        if name.startswith(folder) and (lines := linecache.getlines(name)):
            linecache.cache[name] = (sum(map(len, lines)), None, lines, name)


def exports(module):
    """What the engine calls: the class that `componentize-py` wants, for the action of this module."""
    action = action_of(module)
    host.use(Imports())
    log.install()
    keep_sources(module)
    for stream in (sys.stdout, sys.stderr):
        # A line must be out before the next call: what is written again in a replay is dropped there.
        stream.reconfigure(line_buffering=True)

    class Action(wit_exports.Action):
        """The action."""

        def describe(self):
            told = action.manifest()
            told["inputs"], told["outputs"] = json.dumps(told["inputs"]), json.dumps(told["outputs"])
            told["capabilities"] = [wit.Want(**want) for want in told["capabilities"]]
            return wit.Manifest(**told | {"impact": IMPACTS[told["impact"]]})

        def run(self, context, inputs):
            return guarded(lambda: action.run_json(context_of(context), inputs))

        def rollback(self, context, inputs, done):
            calls = [call_of(call) for call in done.calls]
            return guarded(lambda: action.rollback_json(context_of(context), inputs, done.outputs, calls))

    return Action
