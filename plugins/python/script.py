"""`aws:executeScript` with a Python runtime."""

import inspect
import io
import json
import linecache
import sys
import types
import warnings

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
    if inputs.get("Script") is None:
        raise StepFailure(
            Kind.INVALID_INPUT,
            f"The step has no `Script`, only the attachment `{inputs.get('Attachment')}`, and attachments are not fetched "
            "here. Write the script into the runbook.",
        )
    handler = name_of(inputs.get("Handler"))
    returned = call(inputs["Script"], handler, inputs.get("InputPayload") or {}, step_context(context))
    payload = as_json(returned, handler)
    outputs = {"OutputPayload": {"Payload": payload}}
    if payload is not None:
        outputs["Payload"] = payload
    return outputs


def name_of(handler):
    """The function's name: runbooks also write `module.function`."""
    if not handler:
        raise StepFailure(Kind.INVALID_INPUT, "`Handler` is missing: the name of the function to call.")
    return handler.rsplit(".", 1)[-1]


def step_context(context):
    """What handlers get as their second parameter."""
    world = dict(step.globals())
    return {
        "automation:EXECUTION_ID": context.execution_id,
        "global:REGION": world.get("REGION", ""),
        "global:ACCOUNT_ID": world.get("ACCOUNT_ID", ""),
        "global:AWS_PARTITION": world.get("AWS_PARTITION", "aws"),
    }


def call(text, handler, payload, context):
    """Loads the script and calls its handler."""
    module = load(text)
    function = getattr(module, handler, None)
    if not callable(function):
        raise StepFailure(Kind.INVALID_INPUT, f"The script has no function `{handler}`, which `Handler` names.")
    try:
        return function(*arguments(function, payload, context))
    except BaseException as error:
        raise from_script(error, NAME) from None


def load(text):
    """The script as a module. Its lines are shown in tracebacks."""
    linecache.cache[NAME] = (len(text), None, text.splitlines(True), NAME)
    module = types.ModuleType("script")
    module.__file__ = NAME
    sys.modules["script"] = module
    try:
        with warnings.catch_warnings():
            # Old scripts have escapes that are none; they were silent when they were written.
            warnings.simplefilter("ignore", SyntaxWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            code = compile(text, NAME, "exec")
        exec(code, module.__dict__)
    except BaseException as error:
        raise from_script(error, NAME) from None
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
