"""`aws:invokeWebhook`: a POST to an address that is kept as a secret parameter."""

import json
import urllib.parse

import failures
from componentize_py_types import Err
from failures import Kind, StepFailure
from wit_world.imports import http, parameters

#: Where Systems Manager keeps integrations.
FOLDER = "/d9d01087-4a3f-49e0-b0b4-d568d7826553/ssm/integrations/webhook/"


def invoke_webhook(context, inputs):
    """Sends the payload, and answers what came back."""
    integration = read(inputs["IntegrationName"])
    body = inputs.get("Body")
    if body is None:
        body = integration.get("payload", "")
    body = body if isinstance(body, str) else json.dumps(body)
    url = integration.get("url", "")
    if not (url.startswith("https://") or is_here(url)):
        raise StepFailure(Kind.INVALID_INPUT, "The address of the integration does not begin with `https://`.")
    headers = [(str(name), str(value)) for name, value in (integration.get("headers") or {}).items()]
    request = http.Request(method="POST", url=url, headers=headers, body=body.encode(), timeout_ms=None, redirects=0)
    answer = ask(http.send, request)
    text = answer.body.decode("utf-8", "replace")
    if not 200 <= answer.status < 300:
        raise StepFailure(Kind.FAILED, f"The webhook answered with status {answer.status}: {text[:1000]}", True)
    return {"Response": text, "ResponseCode": answer.status}


def is_here(url):
    """Whether nobody else can listen: what does not leave the machine needs no encryption."""
    address = urllib.parse.urlsplit(url)
    return address.scheme == "http" and address.hostname in ("localhost", "127.0.0.1", "::1")


def read(name):
    """The integration: a secret parameter with JSON, by its name or below the folder."""
    path = name if name.startswith("/") else FOLDER + name
    found = ask(parameters.get, path)
    value = found.value
    if found.parameter_type is parameters.ParameterType.SECURE:
        value = ask(parameters.reveal, value)
    try:
        integration = json.loads(value)
    except ValueError as error:
        raise StepFailure(Kind.INVALID_INPUT, f"The parameter {path} holds no JSON: {error}.") from None
    return integration if isinstance(integration, dict) else {}


def ask(function, *arguments):
    """Makes a call of the engine."""
    try:
        return function(*arguments)
    except Err as refused:
        kind, retryable = failures.KINDS[type(refused.value)]
        raise StepFailure(kind, failures.sentence(refused.value), retryable) from None
