"""Requests to services of AWS: the engine signs and sends them. Needs the grant `aws`."""

from . import clock
from .host import call
from .http import Headers, pairs
from .shapes import Response

__all__ = ["Response", "send"]


def send(
    service: str,
    method: str,
    path: str,
    *,
    headers: Headers | None = None,
    body: str | bytes = b"",
    region: str | None = None,
    host: str | None = None,
    credentials: str | None = None,
    timeout: clock.Duration | None = None,
) -> Response:
    """Sends one request, as the service's API wants it. Every status is an answer.

    `service`: the name that it signs with, `ec2`; `path`: with the query, percent-encoded; `headers`: a dict, or pairs.
    `region` and `host`: the engine's own region and `SERVICE.REGION.amazonaws.com` when they are not given; `credentials`:
    the secret key that an `AssumeRole` answered, for another role than the execution's.
    """
    return call(
        "aws.send",
        service=service,
        region=region,
        host=host,
        method=method,
        path=path,
        headers=pairs(headers),
        body=body.encode() if isinstance(body, str) else bytes(body),
        credentials=credentials,
        timeout_ms=clock.milliseconds(timeout),
    )
