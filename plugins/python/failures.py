"""Exceptions as failures of a step."""

import contextlib
import json
import sys
import traceback

import botocore.exceptions
from wit_world.exports import action as wit
from wit_world.imports import types

Kind = wit.FailureKind

#: Error codes of services that mean "too many requests".
THROTTLED = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "RequestThrottled",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "SlowDown",
    "PriorRequestNotComplete",
    "TransactionInProgressException",
    "EC2ThrottledException",
}

#: Error codes of services that mean "you may not".
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthFailure", "UnrecognizedClientException"}


#: Files out of attachments: their lines are the runbook's own.
ATTACHED = set()


class StepFailure(Exception):
    """A failure that says what it is."""

    def __init__(self, kind, message, retryable=False, details=None):
        super().__init__(message)
        self.kind, self.message, self.retryable, self.details = kind, message, retryable, details


class HostError(botocore.exceptions.HTTPClientError):
    """The engine did not make a call. Scripts see an error of botocore, as for any request without an answer."""

    fmt = "{message}"

    def __init__(self, error):
        self.error = error
        super().__init__(message=sentence(error))


def sentence(error):
    """What an error of a capability says, as text for people."""
    value = error.value
    if isinstance(error, types.Error_Denied):
        return f"`{value.capability}` is not granted: add the grant `{value.missing}` to the plugin's `grants`"
    if isinstance(error, types.Error_LimitExceeded):
        return f"limit `{value.which}` exceeded: {value.used} of at most {value.limit}"
    return value


KINDS = {
    types.Error_Denied: (Kind.DENIED, False),
    types.Error_NotFound: (Kind.FAILED, False),
    types.Error_Invalid: (Kind.INVALID_INPUT, False),
    types.Error_Throttled: (Kind.THROTTLED, True),
    types.Error_TimedOut: (Kind.TIMED_OUT, True),
    types.Error_LimitExceeded: (Kind.LIMIT_EXCEEDED, False),
    types.Error_Unavailable: (Kind.FAILED, True),
    types.Error_Uncertain: (Kind.UNCERTAIN, False),
}


def of(error):
    """The failure that an exception is."""
    if isinstance(error, StepFailure):
        return failure(error.kind, error.message, error.retryable, error.details)
    if isinstance(error, HostError):
        kind, retryable = KINDS[type(error.error)]
        return failure(kind, str(error), retryable)
    if isinstance(error, botocore.exceptions.ClientError):
        return of_service(error)
    if isinstance(error, botocore.exceptions.BotoCoreError):
        return failure(Kind.INVALID_INPUT, f"{type(error).__name__}: {error}", False)
    return failure(Kind.FAILED, "".join(traceback.format_exception(error)), True)


def of_service(error):
    """A service said no."""
    said = error.response.get("Error", {})
    code = said.get("Code", "")
    kind = Kind.THROTTLED if code in THROTTLED else Kind.DENIED if code in DENIED else Kind.FAILED
    details = {
        "service-error": code,
        "operation": error.operation_name,
        # Not `status`, which is an output of aws:executeStateMachine.
        "http-status": error.response.get("ResponseMetadata", {}).get("HTTPStatusCode"),
        "request-id": error.response.get("ResponseMetadata", {}).get("RequestId"),
    }
    return failure(kind, str(error), kind is not Kind.DENIED, details)


@contextlib.contextmanager
def telling(made):
    """What fails in here says in its details what was made before, under the names of the action's outputs.

    Runbooks clean up with these: AWSSupport-TroubleshootGlueConnection deletes the stack that was not completed.
    """
    try:
        yield
    except Exception as error:
        known = of(error)
        details = json.loads(known.details) if known.details else {}
        raise StepFailure(known.kind, known.message, known.retryable, made | details) from error


def failure(kind, message, retryable, details=None):
    """As the engine takes it."""
    details = json.dumps(details, default=str) if details else None
    return wit.Failure(kind=kind, message=message, retryable=retryable, details=details)


def from_script(error, name):
    """The failure of a script: its traceback, of its own lines."""
    told = traceback.TracebackException.from_exception(error)
    only_own_lines(told, name)
    message = "".join(told.format()).rstrip()
    sys.stderr.write(message + "\n")
    cause = error
    while cause is not None and not isinstance(cause, (HostError, botocore.exceptions.ClientError)):
        cause = cause.__cause__ or cause.__context__
    kind, retryable, details = Kind.FAILED, True, {"exception": type(error).__name__}
    if isinstance(error, HostError):
        kind, retryable = KINDS[type(error.error)]
    elif cause is not None and isinstance(error, botocore.exceptions.ClientError):
        return failure_with(of_service(cause), message)
    return StepFailure(kind, message, retryable, details)


def only_own_lines(told, name):
    """Takes out what libraries did in between: their source is not here, and the last line says what they said."""
    told.stack[:] = [frame for frame in told.stack if frame.filename == name or frame.filename in ATTACHED]
    for before in (told.__cause__, told.__context__):
        if before is not None:
            only_own_lines(before, name)


def failure_with(known, message):
    """A service's failure, told by a script."""
    return StepFailure(known.kind, message, known.retryable, json.loads(known.details) if known.details else None)
