"""Lambda functions and state machines."""

import base64
import json

import service
from failures import Kind, StepFailure, telling

#: The most of an answer that is kept.
PAYLOAD_CHARS_MAX = 200 * 1024


def function(context, inputs):
    """`aws:invokeLambdaFunction`."""
    given = service.taken(inputs, "FunctionName", "Qualifier", "InvocationType")
    given["LogType"] = inputs.get("LogType") or "Tail"
    if given.get("InvocationType", "RequestResponse") != "RequestResponse":
        given.pop("LogType")
    if inputs.get("ClientContext"):
        context_text = inputs["ClientContext"] if isinstance(inputs["ClientContext"], str) else json.dumps(inputs["ClientContext"])
        given["ClientContext"] = base64.b64encode(context_text.encode()).decode()
    event = inputs.get("InputPayload")
    event = inputs.get("Payload") if event is None else event
    if event is not None:
        given["Payload"] = event if isinstance(event, str) else json.dumps(event)
    answer = service.call(service.client("lambda"), "Invoke", given)
    payload = answer.get("Payload") or ""
    log = base64.b64decode(answer.get("LogResult") or "").decode("utf-8", "replace")
    if log:
        print(log)
    if answer.get("FunctionError"):
        raise StepFailure(Kind.FAILED, f"The function failed ({answer['FunctionError']}): {payload[:4000]}", True, {"log": log[-4000:]})
    if len(payload) > PAYLOAD_CHARS_MAX:
        raise StepFailure(Kind.LIMIT_EXCEEDED, f"The function answered {len(payload)} characters, where {PAYLOAD_CHARS_MAX} are allowed.")
    returned = parsed(payload)
    # A text is put into other texts without its quotes; what is no text stays JSON.
    shown = returned if isinstance(returned, str) else payload
    outputs = {"StatusCode": answer["StatusCode"], "LogResult": log, "Payload": shown}
    return outputs if returned is None else outputs | {"OutputPayload": returned}


def parsed(text):
    """What a JSON text says; the text when it is none."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def state_machine(context, inputs):
    """`aws:executeStateMachine`."""
    states = service.client("stepfunctions")
    given = service.taken(inputs, "stateMachineArn", "name", "input")
    # Started again after a crash with the same name and input, it is found.
    given.setdefault("name", "".join(c if c.isalnum() else "-" for c in context.idempotency_key)[-80:])
    started = service.call(states, "StartExecution", given)["executionArn"]

    def look():
        found = service.call(states, "DescribeExecution", {"executionArn": started})
        return None if found["status"] in ("RUNNING", "PENDING_REDRIVE") else found

    with telling({"executionArn": started}):
        found = service.until(look)
        # The input is left out of a failure: it may be larger than all that a failure may say.
        outputs = service.taken(found, "executionArn", "name", "startDate", "stateMachineArn", "status", "stopDate")
        if found["status"] != "SUCCEEDED":
            why = " ".join(str(found[name]) for name in ("error", "cause") if found.get(name))
            raise StepFailure(Kind.FAILED, f"The execution {started} is {found['status']} {why}", True, outputs)
    return outputs | {name: found[name] for name in ("input", "output") if found.get(name) is not None}
