"""Calls of AWS services by the names that runbooks use, with values as runbooks give them."""

import base64
import datetime
import difflib
import json
import time

import boto3
import botocore.exceptions
import models
from failures import Kind, StepFailure

#: Between two looks at something that takes its time, in seconds: the first pause, the longest, and how it grows.
PAUSE_FIRST, PAUSE_MAX, PAUSE_GROWTH = 5, 30, 1.5

#: Names of services in runbooks that the SDK calls otherwise.
OTHER_NAMES = {"elasticloadbalancingv2": "elbv2", "elasticloadbalancing": "elb", "sfn": "stepfunctions", "states": "stepfunctions"}


def client(service, region=None):
    """A client of the service, whatever case its name is written in."""
    name = service.strip().lower()
    known = models.LOADER.list_available_services("service-2")
    name = OTHER_NAMES.get(name, name)
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        raise StepFailure(Kind.INVALID_INPUT, f"There is no service `{service}`{hint}")
    return boto3.client(name, region_name=region)


def call(on, operation, inputs):
    """Calls an operation with inputs as a runbook gives them, and answers the response as JSON has it."""
    model = on.meta.service_model
    names = {name.lower(): name for name in model.operation_names}
    name = names.get(operation.strip().lower().replace("_", ""))
    if name is None:
        near = difflib.get_close_matches(operation, model.operation_names, 1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        raise StepFailure(Kind.INVALID_INPUT, f"{model.service_name} has no operation `{operation}`{hint}")
    shape = model.operation_model(name).input_shape
    params = fitted(shape, inputs) if shape is not None else {}
    response = on._make_api_call(name, params)
    metadata = response.pop("ResponseMetadata", {})
    kept = {name: metadata[name] for name in ("HTTPStatusCode", "RequestId") if name in metadata}
    return plain(response) | {"ResponseMetadata": kept}


def fitted(shape, value):
    """The value in the type that the API wants.

    Runbooks write numbers and truth as text, one item for a list of it, and a list of one for the item.
    """
    kind = shape.type_name
    if kind in ("structure", "map", "list") and isinstance(value, str):
        value = parsed(value)
    if kind == "structure" and isinstance(value, dict):
        members = {name.lower(): name for name in shape.members}
        named = {name if name in shape.members else members.get(name.lower(), name): item for name, item in value.items()}
        return {
            name: fitted(shape.members[name], item) if name in shape.members else item
            for name, item in named.items()
            if item is not None
        }
    if kind == "map" and isinstance(value, dict):
        return {str(name): fitted(shape.value, item) for name, item in value.items()}
    if kind == "list":
        items = value if isinstance(value, list) else [value]
        return [fitted(shape.member, item) for item in items]
    return fitted_scalar(kind, value)


def fitted_scalar(kind, value):
    """The same for single values. A list of one map stays: as JSON it is a text that says something else."""
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], (dict, list)):
        [value] = value
    if kind == "boolean" and isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    if kind in ("integer", "long") and isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            return value
    if kind in ("float", "double") and isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    if kind in ("string", "character") and not isinstance(value, str):
        if isinstance(value, bool):
            return str(value).lower()
        return json.dumps(value) if isinstance(value, (dict, list)) else str(value)
    return value


def parsed(text):
    """What a JSON text says, or the text."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return found if isinstance(found, (dict, list)) else text


def plain(value):
    """A value of a response as JSON has it: times as ISO 8601, bytes as text if they are text, else in base64."""
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat().replace("+00:00", "Z")
    if hasattr(value, "read"):
        value = value.read()
    if isinstance(value, (bytes, bytearray)):
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            return base64.b64encode(bytes(value)).decode()
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return str(value)


def code_of(error):
    """The error's code, of what a service said."""
    return error.response.get("Error", {}).get("Code", "")


def until(look):
    """Looks until `look` answers something. The pauses are durable: no instance exists meanwhile."""
    pause = PAUSE_FIRST
    while (found := look()) is None:
        time.sleep(pause)
        pause = min(PAUSE_MAX, pause * PAUSE_GROWTH)
    return found


def taken(inputs, *names, **renamed):
    """Those inputs that are there, under the API's names."""
    wanted = {name: name for name in names} | renamed
    return {theirs: inputs[ours] for theirs, ours in wanted.items() if inputs.get(ours) not in (None, "", [])}
