"""The world of a test: what it has, what it answers, what it was asked, and its clock."""

import collections
import contextlib
import fnmatch
import json
import random
from unittest import mock

from .. import errors, host, journal
from ..action import CAPABILITIES
from ..done import Call, Done
from .memory import Blobs, Files, Parameters

#: 2026-01-01T00:00:00Z in milliseconds, the moment at which a world begins.
START = 1_767_225_600_000


class NonDeterminism(AssertionError):
    """The action made another call than the one that the journal has."""


class Stopped(BaseException):
    """The engine was stopped. No plugin can catch this: it is no `Exception`."""


def exit_with(code=0, stdout="", stderr=""):
    """How a command ended, as a callable answer gives it."""
    cut = {"stdout_blob": None, "stderr_blob": None}
    return {"exit_code": code, "signal": None, "stdout": stdout, "stderr": stderr, "duration_ms": 5} | cut


def respond(status=200, body="", headers=None):
    """An answer to a request, as a callable answer gives it. A `body` that is neither text nor bytes is sent as JSON."""
    headers = {name.lower(): value for name, value in (headers or {}).items()}
    if not isinstance(body, (str, bytes)):
        body = json.dumps(body)
        headers.setdefault("content-type", "application/json")
    body = body.encode() if isinstance(body, str) else body
    return {"status": status, "headers": [list(pair) for pair in headers.items()], "body": body}


class World:
    """A host in memory. A call that nothing answers raises `Unavailable` and says what to script.

    `files`: absolute path to text or bytes. `parameters`: name to a text, to a list, or to `{"secure": text}`. `granted`:
    the capabilities that are granted, all when it is not given.
    """

    def __init__(self, files=None, parameters=None, granted=CAPABILITIES, attachments=None, globals=None):
        self.now = START
        self.files, self.parameters, self.blobs = Files(files or {}), Parameters(parameters or {}, START), Blobs()
        #: Every call so far, as a rollback is told of it, and every line of the log.
        self.calls, self.lines = [], []
        self._granted = set(granted)
        self._attachments, self._globals = dict(attachments or {}), dict(globals or {})
        self._answers = collections.defaultdict(list)
        self._queues = collections.defaultdict(collections.deque)
        self._refusals, self._children = {}, {}
        self._recorded, self._stop_at, self._position = [], None, 0

    # What a test scripts. The first pattern that fits and has answers left counts; `*` is any text.

    def command(self, pattern, exit=0, stdout="", stderr="", times=None, answer=None):
        """Commands whose words, joined by spaces, fit: `systemctl *`. `answer`: a function of the request instead."""
        self._script("commands.run", pattern, answer or exit_with(exit, stdout, stderr), times)
        return self

    def document(self, name, status="Success", stdout="", times=None, answer=None):
        """Command documents of Systems Manager."""
        node = {"node": "i-1", "status": status, "response_code": 0, "stdout": stdout, "stderr": ""}
        end = {"command_id": "command-1", "status": status, "details": status, "targets": 1, "nodes": [node]}
        self._script("commands.run-document", name, answer or end | {"errors": 0 if status == "Success" else 1}, times)
        return self

    def http(self, pattern, status=200, body="", headers=None, times=None, answer=None):
        """Requests: `GET https://example.com/*`."""
        self._script("http.send", pattern, answer or respond(status, body, headers), times)
        return self

    def aws(self, pattern, status=200, body="", headers=None, times=None, answer=None):
        """Requests to services: `ec2 POST /*`."""
        self._script("aws.send", pattern, answer or respond(status, body, headers), times)
        return self

    def probe(self, pattern, after=0.0, comes=True):
        """Probes: `tcp db:5432`, an address, a path, the words of a command. Come true after so many seconds, or never."""
        self._script("waits.probe", pattern, (round(after * 1000), comes), None)
        return self

    def decide(self, approved=True, by="kim", comment=None):
        """What people say to the next question."""
        self._queues["approvals.request"].append((approved, by, comment))
        return self

    def signal(self, name, payload=None, by="kim", after=0.0):
        """A signal of this name, so many seconds after it is waited for."""
        self._queues[f"signal {name}"].append((payload, by, round(after * 1000)))
        return self

    def child(self, runbook, status="Success", outputs=None, failure=None):
        """How the next child of this runbook ends."""
        self._queues[f"child {runbook}"].append({"status": status, "outputs": outputs or {}, "failure": failure})
        return self

    def refuse(self, function, error):
        """Answers every call of a function (`files.write`) with a `CapabilityError`, and does nothing."""
        self._refusals[function] = error
        return self

    def relent(self):
        """Refuses nothing any more."""
        self._refusals.clear()
        return self

    # What a test asks of it.

    @property
    def functions(self):
        """The functions called so far, in order."""
        return [call.function for call in self.calls]

    def done(self, outputs=None):
        """What a rollback is told: every call so far, and these outputs if the step ended well."""
        return Done(outputs, list(self.calls))

    # What it does as a host.

    def call(self, function, request):
        """Answers a call, and remembers both."""
        recorded = journal.recorded_request(function, request)
        position, self._position = self._position, self._position + 1
        if position < len(self._recorded):
            return self._replayed(position, function, recorded)
        if position == self._stop_at:
            raise Stopped(function)
        try:
            answer, error = self._perform(function, request), None
        except errors.CapabilityError as refused:
            answer, error = None, refused
        self._recorded.append((function, recorded, answer, error, self.now))
        texts = (None, journal.text(error.recorded())) if error else (journal.recorded_answer(function, answer), None)
        self.calls.append(Call.of(function, recorded, *texts))
        return self._told(answer, error)

    def log(self, level, message):
        """Keeps a line."""
        self.lines.append((level, message))

    def progress(self, done, total, message):
        """Keeps a line as the engine shows it."""
        self.lines.append(("info", f"{done}/{total}: {message}" if total else f"{done}: {message}"))

    def attachment(self, name):
        """The bytes of an attachment."""
        found = self._attachments.get(name)
        return found.encode() if isinstance(found, str) else found

    def globals(self):
        """The values that runbooks name `global:…`."""
        return {"REGION": "local", "ACCOUNT_ID": "000000000000", "AWS_PARTITION": "aws"} | self._globals

    def stop_at(self, call):
        """Stops the engine at this call (0: the first), before it is made."""
        self._stop_at = call
        return self

    def resume(self):
        """Starts the engine again: the action begins anew, and is answered from the journal as far as that goes."""
        self._stop_at, self._position, self.now = None, 0, START
        return self

    def forget_journal(self):
        """A rollback has a journal of its own. Answers the calls so far, as it is told of them."""
        self._recorded, self._position = [], 0
        return list(self.calls)

    @contextlib.contextmanager
    def answering(self, key="runwright"):
        """While it lasts, this world answers capabilities, the clock and random numbers, as the engine does."""
        before = host.use(self)
        source = random.Random(key)
        clock, draw = lambda: self.now / 1000, source.randbytes
        patches = {
            "time.time": clock,
            "time.time_ns": lambda: self.now * 1_000_000,
            "time.monotonic": clock,
            "time.monotonic_ns": lambda: self.now * 1_000_000,
            "time.sleep": lambda seconds: host.call("waits.sleep", duration_ms=round(seconds * 1000)),
            "os.urandom": draw,
            "random._urandom": draw,
        }
        state = random.getstate()
        random.seed(key)
        try:
            with contextlib.ExitStack() as stack:
                for name, value in patches.items():
                    stack.enter_context(mock.patch(name, value))
                yield self
        finally:
            random.setstate(state)
            host.use(before)

    def _script(self, function, pattern, answer, times):
        self._answers[function].append([pattern, answer, times])

    def _replayed(self, position, function, request):
        known, recorded, answer, error, now = self._recorded[position]
        if (known, recorded) != (function, request):
            raise NonDeterminism(
                f"call {position} was {known} {recorded} before the crash, and is {function} {request} now: an action makes "
                "the same calls when it is given the same answers"
            )
        self.now = now
        return self._told(answer, error)

    def _told(self, answer, error):
        if error is not None:
            raise error
        return answer

    def _perform(self, function, request):
        capability, _, name = function.partition(".")
        if capability not in self._granted:
            raise errors.Denied(capability, f"{capability}: true")
        if function in self._refusals:
            raise self._refusals[function]
        return getattr(self, f"_do_{capability}")(name.replace("-", "_"), function, request)

    def _scripted(self, function, subject, request):
        for entry in self._answers[function]:
            pattern, answer, times = entry
            if times != 0 and fnmatch.fnmatchcase(subject, pattern.replace("[", "[[]").replace("?", "[?]")):
                entry[2] = None if times is None else times - 1
                return answer(request) if callable(answer) else answer
        raise errors.Unavailable(f"the world of this test has no answer for `{subject}`: script one for {function}")

    def _next(self, queue, what):
        if not self._queues[queue]:
            raise errors.Unavailable(f"the world of this test has no answer for {what}: script one")
        return self._queues[queue].popleft()

    def _do_commands(self, name, function, request):
        if name == "run_document":
            return self._scripted(function, request["request"].get("DocumentName", ""), request)
        return self._scripted(function, " ".join(request["command"]["arguments"]), request["command"])

    def _do_http(self, name, function, request):
        return self._scripted(function, f"{request['method']} {request['url']}", request)

    def _do_aws(self, name, function, request):
        return self._scripted(function, f"{request['service']} {request['method']} {request['path']}", request)

    def _do_files(self, name, function, request):
        return getattr(self.files, name)(self.now, **request)

    def _do_parameters(self, name, function, request):
        return getattr(self.parameters, name)(self.now, **request)

    def _do_blobs(self, name, function, request):
        return getattr(self.blobs, name)(**request)

    def _do_approvals(self, name, function, request):
        approved, by, comment = self._next(function, f"the question {request['message']!r}")
        return {"approved": approved, "votes": [{"approver": by, "approved": approved, "comment": comment, "at": self.now}]}

    def _do_waits(self, name, function, request):
        return getattr(self, f"_wait_{name}")(request)

    def _wait_sleep(self, request):
        self.now += request["duration_ms"]

    def _wait_sleep_until(self, request):
        self.now = max(self.now, request["moment"])

    def _wait_signal(self, request):
        payload, by, after = self._next(f"signal {request['name']}", f"the signal `{request['name']}`")
        self._until(self.now + after, request["deadline"], f"the signal `{request['name']}` did not come")
        return {"by": by, "at": self.now, "payload": payload}

    def _wait_probe(self, request):
        ((kind, what),) = request["probe"].items()
        patience, began = request["patience"], self.now
        subject = {
            "tcp": lambda: f"tcp {what['host']}:{what['port']}",
            "http": lambda: what["url"],
            "file": lambda: what["path"],
            "command": lambda: " ".join(what["arguments"]),
        }[kind]()
        after, comes = self._scripted("waits.probe", subject, request)
        self._until(began + after if comes else float("inf"), patience["deadline"], f"`{subject}` did not come true")
        return {"probes": 1 + after // max(1, patience["interval_ms"]), "waited_ms": self.now - began}

    def _until(self, moment, deadline, otherwise):
        if deadline is not None and moment > deadline:
            self.now = max(self.now, deadline)
            raise errors.TimedOut(f"{otherwise} before the deadline")
        self.now = moment

    def _do_executions(self, name, function, request):
        if name == "wait":
            if request["id"] not in self._children:
                raise errors.NotFound(f"there is no execution `{request['id']}`")
            return self._children[request["id"]]
        end = self._next(f"child {request['runbook']}", f"a child of the runbook `{request['runbook']}`")
        child = f"00000000-0000-7000-8000-{len(self._children) + 1:012}"
        self._children[child] = end
        return child
