"""Requests to services of AWS: the engine signs and sends them. Needs the grant `aws`."""

from . import clock
from .host import call
from .shapes import Response

__all__ = ["Response", "send"]


def send(service, method, path, *, headers=None, body=b"", region=None, host=None, credentials=None, timeout=None):
    """Sends one request, as the service's API wants it. Every status is an answer.

    `service`: the name that it signs with, `ec2`; `path`: with the query, percent-encoded.
    """
    return call(
        "aws.send",
        service=service,
        region=region,
        host=host,
        method=method,
        path=path,
        headers=[list(pair) for pair in (headers or {}).items()],
        body=body.encode() if isinstance(body, str) else bytes(body),
        credentials=credentials,
        timeout_ms=clock.milliseconds(timeout),
    )
