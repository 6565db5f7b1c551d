"""`aws:executeScript` with a Python runtime."""

import importlib
import inspect
import json
import linecache
import sys
import types

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
            f"The runtime `{runtime}` is not one of this component: it runs python3. A step whose runtime is PowerShell is one "
            "of rw:powerShell, and must say so in the document itself, not by a parameter.",
        )
    returned, handler = returned_by(inputs, inputs.get("InputPayload") or {}, step_context(context))
    payload = as_json(returned, handler)
    outputs = {"OutputPayload": {"Payload": payload}}
    if payload is not None:
        outputs["Payload"] = payload
    return outputs


def returned_by(inputs, payload, context):
    """What the handler returned, and the handler's name.

    The handler is in the attachment when that has the module that `Handler` names, also as `folder/module.function`: documents of
    AWS have a placeholder for a script then. Else it is in the script, which may import what is attached.
    """
    handler = inputs.get("Handler")
    if not handler:
        raise StepFailure(Kind.INVALID_INPUT, "`Handler` is missing: the name of the function to call.")
    module, _, function = handler.rpartition(".")
    module, attached, script = module.replace("/", "."), inputs.get("Attachment"), inputs.get("Script")
    if script is None and not attached:
        raise StepFailure(Kind.INVALID_INPUT, "The step has neither a `Script` nor an `Attachment`.")
    archive = attachments.install(attached) if attached else None
    if script is not None and not (archive and archive.file_of(module)):
        return call(load(script, NAME), NAME, function, payload, context), function
    if archive.text is not None:
        return call(load(archive.text, attached), attached, function, payload, context), function
    if not module:
        raise StepFailure(
            Kind.INVALID_INPUT, f"`Handler` is `{handler}`, and must name a module of the archive too: `module.function`."
        )
    try:
        found = importlib.import_module(module)
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
        exec(compile(text, name, "exec"), module.__dict__)
    except BaseException as error:
        raise from_script(error, name) from None
    return module


def arguments(function, payload, context):
    """The arguments that a handler can take: the payload, and the context if there is room for it."""
    return next((taken for taken in ((payload, context), (payload,)) if takes(function, taken)), ())


def takes(function, given):
    """Whether a function can be called with these."""
    if type(function) is types.FunctionType and not hasattr(function, "__wrapped__"):
        # What `inspect` finds out too, in a hundred times the instructions.
        code, defaults = function.__code__, function.__defaults__ or ()
        enough = len(given) >= code.co_argcount - len(defaults) and code.co_kwonlyargcount == len(function.__kwdefaults__ or ())
        return enough and (len(given) <= code.co_argcount or bool(code.co_flags & inspect.CO_VARARGS))
    try:
        inspect.signature(function).bind(*given)
        return True
    except (TypeError, ValueError):
        return False


def as_json(value, handler):
    """The value as JSON has it."""
    # Not `isinstance(value, io.IOBase)`: whether a class is of that kind is asked of all classes there are, once an instance.
    if hasattr(value, "read"):
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
