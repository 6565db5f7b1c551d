"""Calls in the form that the journal keeps them, which is the form a rollback reads."""

import base64
import json

from . import shapes

#: Capabilities with one function, whose requests and answers have no name of their own.
ONE_FUNCTION = ("http", "approvals", "aws")
#: What an answer is called in the journal. Functions that are not here answer nothing.
ANSWERS = {
    "commands.run": "completed",
    "commands.run-document": "document",
    "files.read": "contents",
    "files.stat": "stat",
    "files.list-directory": "names",
    "files.snapshot": "snapshot",
    "parameters.get": "parameter",
    "parameters.put": "parameter",
    "parameters.get-by-path": "parameters",
    "parameters.history": "parameters",
    "parameters.reveal": "revealed",
    "waits.signal": "signal",
    "waits.probe": "probed",
    "blobs.put": "name",
    "blobs.get": "contents",
    "blobs.size": "size",
    "executions.start": "started",
    "executions.wait": "ended",
}


def recorded_request(function, request):
    """A request as JSON text."""
    capability, _, name = function.partition(".")
    inner = writable(request)
    return text({capability: inner if capability in ONE_FUNCTION else {name: inner}})


def recorded_answer(function, answer):
    """An answer as JSON text."""
    capability, _, _ = function.partition(".")
    if capability in ONE_FUNCTION:
        return text({capability: writable(answer)})
    name = ANSWERS.get(function)
    return text("done" if name is None else {capability: {name: writable(answer)}})


def request(function, recorded):
    """The request of such a text. Bytes stay in base64: only answers are handed on."""
    return unwrapped(function, json.loads(recorded))


def answer(function, recorded):
    """The answer of such a text, as the function itself answers it."""
    value = json.loads(recorded)
    if value == "done":
        return None
    inner = unwrapped(function, value)
    if function in ("files.read", "blobs.get"):
        return base64.b64decode(inner)
    if function in ("http.send", "aws.send"):
        inner = inner | {"body": base64.b64decode(inner["body"])}
    return shapes.answer(function, inner)


def error(recorded):
    """The error of such a text."""
    return json.loads(recorded)


def unwrapped(function, value):
    """Without the names around it."""
    (inner,) = value.values()
    if function.partition(".")[0] in ONE_FUNCTION:
        return inner
    (inner,) = inner.values()
    return inner


def writable(value):
    """With bytes in base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {key: writable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [writable(item) for item in value]
    return value


def text(value):
    """Compact, as the engine writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
