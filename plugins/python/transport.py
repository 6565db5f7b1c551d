"""botocore's way out: each request goes to the engine's `aws` capability, which signs and sends it.

Four things of botocore are replaced. Its HTTP session hands over the request. Its signer writes down what would be signed
(service, region) instead of a signature, because there are no credentials here. Its retries are left out: the engine tries
again where a service asks for it, and writes one answer into the journal instead of many. Its parser takes answers that are
parsed already, which scenarios give.
"""

import datetime
import io
import json
from urllib.parse import urlsplit

import botocore.args
import botocore.awsrequest
import botocore.client
import botocore.compat
import botocore.credentials
import botocore.endpoint
import botocore.exceptions
import botocore.httpsession
import botocore.parsers
import botocore.response
import botocore.session
import botocore.signers
import botocore.utils
from componentize_py_types import Err
from dateutil.parser import parse as moment
from failures import HostError
from wit_world.imports import aws

#: The region of the execution.
REGION = ""
#: A header by which the signer tells the session what is to be signed. It never leaves this module.
NOTE = "x-runwright-signing"
#: The secret key that stands for the execution's own role.
OWN = "runwright"
#: How secret keys begin that stand for a role that a script assumed.
ASSUMED = "runwright-assumed-role:"
#: The header of a response that is the parsed one already, as JSON: a scenario of `runwright test` answers so.
PARSED = "x-runwright-parsed"
#: Headers that the engine makes.
MADE_BY_HOST = {"authorization", "content-length", "host", "x-amz-date", "x-amz-security-token", "expect", NOTE}


class HostSession:
    """Stands for botocore's URLLib3Session."""

    def __init__(self, *arguments, timeout=None, **options):
        self.timeout = timeout[1] if isinstance(timeout, (list, tuple)) else timeout

    def send(self, request):
        """Has the engine send a prepared request."""
        url = urlsplit(request.url)
        headers = {name: text(value) for name, value in request.headers.items()}
        note = json.loads(headers.get(NOTE) or "{}")
        asked = aws.Request(
            service=note.get("service") or url.hostname.split(".")[0],
            region=note.get("region") or REGION or None,
            host=url.hostname,
            method=request.method,
            path=(url.path or "/") + ("?" + url.query if url.query else ""),
            headers=sorted((name.lower(), value) for name, value in headers.items() if name.lower() not in MADE_BY_HOST),
            body=whole(request.body),
            credentials=note.get("credentials"),
            timeout_ms=int(self.timeout * 1000) if self.timeout else None,
        )
        try:
            answer = aws.send(asked)
        except Err as refused:
            raise HostError(refused.value) from None
        return botocore.awsrequest.AWSResponse(request.url, answer.status, dict(answer.headers), Raw(answer.body))

    def close(self):
        """There is nothing to close."""


class Raw(io.BytesIO):
    """A body as urllib3 hands it over."""

    def stream(self, amount=1 << 16, decode_content=None):
        """Its parts."""
        while part := self.read(amount):
            yield part

    def release_conn(self):
        """There is no connection."""


def text(value):
    """A header's value."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def whole(body):
    """A body's bytes."""
    if body is None:
        return b""
    if hasattr(body, "read"):
        body = body.read()
    return body.encode() if isinstance(body, str) else bytes(body)


class Signer:
    """Stands for every signature."""

    def __init__(self, credentials, service, region):
        self.credentials, self.service, self.region = credentials, service, region

    def add_auth(self, request):
        """Notes what is to be signed."""
        key = self.credentials.secret_key if self.credentials else OWN
        if key != OWN and not key.startswith(ASSUMED):
            raise botocore.exceptions.NoCredentialsError()
        note = {"service": self.service, "region": self.region, "credentials": None if key == OWN else key}
        del request.headers[NOTE]
        request.headers[NOTE] = json.dumps(note)


class NoPresigning(botocore.exceptions.BotoCoreError):
    """An address with a signature in it would be a credential."""

    fmt = "Signed addresses cannot be made here ({signature}): a script has no credentials, the engine signs each request."


def get_auth_instance(self, signing_name, region_name, signature_version=None, request_credentials=None, **options):
    """Instead of RequestSigner's own."""
    signature = signature_version or self._signature_version
    if signature.endswith(("-query", "-presign-post")):
        raise NoPresigning(signature=signature)
    return Signer(request_credentials or self._credentials, signing_name, region_name)


def get_credentials(self):
    """Instead of looking at files, variables and the network, where there are none."""
    if self._credentials is None:
        self._credentials = botocore.credentials.Credentials("RUNWRIGHT", OWN)
    return self._credentials


PARSE = botocore.parsers.ResponseParser.parse


def parse(self, response, shape):
    """Instead of parsing what is parsed; the protocol of the service does not matter then."""
    if PARSED not in response["headers"]:
        return PARSE(self, response, shape)
    body = response["body"]
    if hasattr(body, "read"):
        body = body.read()
    parsed = typed(shape, json.loads(body or b"{}"))
    metadata = {"HTTPStatusCode": response["status_code"], "RequestId": "test", "HTTPHeaders": {}, "RetryAttempts": 0}
    return {**parsed, "ResponseMetadata": metadata | parsed.get("ResponseMetadata", {})}


def typed(shape, value):
    """A JSON value in the types that botocore answers."""
    kind = getattr(shape, "type_name", None)
    if kind == "structure" and isinstance(value, dict):
        payload = shape.serialization.get("payload")
        found = {name: typed(shape.members.get(name), item) for name, item in value.items()}
        if isinstance(found.get(payload), bytes) and shape.members[payload].serialization.get("streaming"):
            found[payload] = botocore.response.StreamingBody(io.BytesIO(found[payload]), len(found[payload]))
        return found
    if kind == "list" and isinstance(value, list):
        return [typed(shape.member, item) for item in value]
    if kind == "map" and isinstance(value, dict):
        return {name: typed(shape.value, item) for name, item in value.items()}
    if kind == "timestamp" and isinstance(value, (int, float)):
        return datetime.datetime.fromtimestamp(value, datetime.timezone.utc)
    if kind == "timestamp" and isinstance(value, str):
        return moment(value)
    return value.encode() if kind == "blob" and isinstance(value, str) else value


def in_the_path(self, s3_config):
    """Names of buckets go into paths: a host that depends on the bucket could not be replaced by a private cloud's."""
    return {**(s3_config or {}), "addressing_style": "path"} if not (s3_config or {}).get("addressing_style") else s3_config


def install():
    """Puts all of it in place."""
    compute = botocore.args.ClientArgsCreator.compute_s3_config
    botocore.args.ClientArgsCreator.compute_s3_config = lambda self, config: in_the_path(self, compute(self, config))
    for module in (botocore.httpsession, botocore.utils, botocore.endpoint, botocore.args):
        if hasattr(module, "URLLib3Session"):
            module.URLLib3Session = HostSession
    # The default of a parameter was bound when the function was made.
    creator = botocore.endpoint.EndpointCreator.create_endpoint
    creator.__defaults__ = tuple(
        HostSession if getattr(default, "__name__", "") == "URLLib3Session" else default for default in creator.__defaults__
    )
    botocore.signers.RequestSigner.get_auth_instance = get_auth_instance
    botocore.signers.RequestSigner.get_auth = get_auth_instance
    botocore.session.Session.get_credentials = get_credentials
    botocore.parsers.ResponseParser.parse = parse
    botocore.client.ClientCreator._register_retries = lambda self, client: None
