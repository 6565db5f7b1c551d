"""`aws:executeScript` with a Python runtime."""

import importlib
import inspect
import io
import json
import linecache
import sys
import types
import warnings

import attachments
from failures import Kind, StepFailure, from_script
from wit_world.imports import step

#: What the script is called in tracebacks.
NAME = "script.py"
#: The most that a handler may return, as JSON text.
PAYLOAD_BYTES_MAX = 100 * 1024


def execute(context, inputs):
    """Runs the handler of a script, and answers what it returned."""
    runtime = inputs.get("Runtime", "")
    if not runtime.lower().startswith("python"):
        raise StepFailure(
            Kind.INVALID_INPUT,
            f"The runtime `{runtime}` is not one of this component: it runs python3. PowerShell scripts run where `pwsh` "
            "is, as a command on a target (aws:runCommand with AWS-RunPowerShellScript, or rw:shell).",
        )
    returned, handler = returned_by(inputs, inputs.get("InputPayload") or {}, step_context(context))
    payload = as_json(returned, handler)
    outputs = {"OutputPayload": {"Payload": payload}}
    if payload is not None:
        outputs["Payload"] = payload
    return outputs


def returned_by(inputs, payload, context):
    """What the handler returned, and the handler's name.

    The handler is in the script, which may import what is attached; without a script, in the attachment: in the script that
    it is, or in the module of an archive that `Handler` names, also as `folder/module.function`.
    """
    handler = inputs.get("Handler")
    if not handler:
        raise StepFailure(Kind.INVALID_INPUT, "`Handler` is missing: the name of the function to call.")
    module, _, function = handler.rpartition(".")
    attached = inputs.get("Attachment")
    text = attachments.install(attached) if attached else None
    if inputs.get("Script") is not None:
        return call(load(inputs["Script"], NAME), NAME, function, payload, context), function
    if not attached:
        raise StepFailure(Kind.INVALID_INPUT, "The step has neither a `Script` nor an `Attachment`.")
    if text is not None:
        return call(load(text, attached), attached, function, payload, context), function
    if not module:
        raise StepFailure(
            Kind.INVALID_INPUT, f"`Handler` is `{handler}`, and must name a module of the archive too: `module.function`."
        )
    try:
        found = importlib.import_module(module.replace("/", "."))
    except BaseException as error:
        raise from_script(error, attached) from None
    return call(found, attached, function, payload, context), function


def step_context(context):
    """What handlers get as their second parameter."""
    world = dict(step.globals())
    return {
        "automation:EXECUTION_ID": context.execution_id,
        "global:REGION": world.get("REGION", ""),
        "global:ACCOUNT_ID": world.get("ACCOUNT_ID", ""),
        "global:AWS_PARTITION": world.get("AWS_PARTITION", "aws"),
    }


def call(module, name, handler, payload, context):
    """Calls the handler of a module."""
    function = getattr(module, handler, None)
    if not callable(function):
        raise StepFailure(Kind.INVALID_INPUT, f"The script has no function `{handler}`, which `Handler` names.")
    try:
        return function(*arguments(function, payload, context))
    except BaseException as error:
        raise from_script(error, name) from None


def load(text, name):
    """The script as a module. Its lines are shown in tracebacks."""
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    module = types.ModuleType("script")
    module.__file__ = name
    sys.modules["script"] = module
    try:
        with warnings.catch_warnings():
            # Old scripts have escapes that are none; they were silent when they were written.
            warnings.simplefilter("ignore", SyntaxWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            code = compile(text, name, "exec")
        exec(code, module.__dict__)
    except BaseException as error:
        raise from_script(error, name) from None
    return module


def arguments(function, payload, context):
    """The arguments that a handler can take: the payload, and the context if there is room for it."""
    try:
        inspect.signature(function).bind(payload, context)
        return (payload, context)
    except TypeError:
        pass
    try:
        inspect.signature(function).bind(payload)
        return (payload,)
    except TypeError:
        return ()


def as_json(value, handler):
    """The value as JSON has it."""
    if isinstance(value, io.IOBase):
        value = value.read()
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise StepFailure(
            Kind.FAILED, f"What `{handler}` returned cannot be written as JSON: {error}. Return texts, numbers, lists and maps."
        ) from None
    if len(text) > PAYLOAD_BYTES_MAX:
        raise StepFailure(
            Kind.LIMIT_EXCEEDED,
            f"`{handler}` returned {len(text)} bytes of JSON, where {PAYLOAD_BYTES_MAX} are allowed. Return less, or keep it "
            "in a bucket or a parameter.",
        )
    return json.loads(text)
