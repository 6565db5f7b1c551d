"""HTTP requests to the hosts that were granted. Needs the grant `http`."""

import json as _json
from collections.abc import Iterable

from . import clock
from .host import call
from .shapes import Response

__all__ = ["Response", "get", "post", "send"]

Headers = dict[str, str] | Iterable[tuple[str, str]]


def pairs(headers: Headers | None) -> list:
    """Names and values."""
    return [list(pair) for pair in (headers.items() if isinstance(headers, dict) else headers or [])]


def send(
    method: str,
    url: str,
    *,
    headers: Headers | None = None,
    body: str | bytes | None = None,
    json: object = None,
    timeout: clock.Duration | None = None,
    redirects: int = 0,
) -> Response:
    """Sends a request. Every status is an answer; an error means that none came.

    `headers`: a dict, or pairs; `body`: text or bytes; `json`: a value, sent as JSON; `timeout`: of the whole answer, in
    seconds or as a `timedelta`. Secret placeholders in headers and body are replaced as the request leaves.
    """
    headers = pairs(headers)
    if json is not None:
        body = _json.dumps(json, ensure_ascii=False)
        headers.append(["content-type", "application/json"])
    return call(
        "http.send",
        method=method,
        url=url,
        headers=headers,
        body=body.encode() if isinstance(body, str) else body,
        timeout_ms=clock.milliseconds(timeout),
        redirects=redirects,
    )


def get(url: str, **options) -> Response:
    """Sends a GET."""
    return send("GET", url, **options)


def post(url: str, **options) -> Response:
    """Sends a POST."""
    return send("POST", url, **options)
