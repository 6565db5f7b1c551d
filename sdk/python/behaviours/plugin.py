"""`test:behaviours` in Python: what `sdk/behaviours/README.md` asks of a plugin in every language."""

import dataclasses
import logging
import random
import time
from dataclasses import dataclass
from typing import Annotated, Any, Optional

from runwright import (
    Context,
    Denied,
    Done,
    Failure,
    Name,
    action,
    approvals,
    aws,
    blobs,
    commands,
    executions,
    files,
    http,
    log,
    parameters,
    waits,
)

KEPT = "/tmp/behaviours/kept"
NOTE = "/tmp/behaviours/note"
WHY = "Some cases of the suite use it."
WANTED = ("commands", "files", "http", "parameters", "approvals", "waits", "blobs", "executions", "aws")


@dataclass
class Given:
    """The inputs that `echo` gives back."""

    text: Annotated[Optional[str], "A text."] = None
    whole: Annotated[Optional[int], "A whole number."] = None
    fraction: Annotated[Optional[float], "A number."] = None
    flag: Annotated[Optional[bool], "True or false."] = None
    items: Annotated[Optional[list[str]], "Texts.", Name("List")] = None
    tree: Annotated[Optional[dict[str, Any]], "Anything.", Name("Object")] = None


@dataclass(kw_only=True)
class Inputs(Given):
    """The inputs of a step."""

    case: Annotated[str, "What to do."]


@dataclass(kw_only=True)
class Outputs(Given):
    """The outputs of a step."""

    result: Annotated[Any, "What came of it."]


def echo(inputs):
    """Gives back the inputs."""
    given = dataclasses.asdict(inputs)
    del given["case"]
    return Outputs(result="echo", **given)


def invalid(inputs):
    """Refuses its inputs."""
    raise Failure("invalid-input", "Text must not be empty")


def fails(inputs, attempt):
    """Works from the second attempt on."""
    if attempt == 1:
        raise Failure("failed", "attempt 1 failed", details={"attempt": 1})
    return f"attempt {attempt}"


def garbled(inputs):
    """Says what is no UTF-8."""
    text = b"garbled: \xff".decode(errors="surrogateescape")
    log.warn(text)
    raise Failure("failed", text)


def crashes(inputs):
    """Goes wrong in the language's own way."""
    raise ValueError("boom")


def command(inputs):
    """Runs a program."""
    ended = commands.run("uname", "-s")
    return {"exit": ended.exit_code, "stdout": ended.stdout}


def denied(inputs):
    """Goes on without what is not granted."""
    try:
        return commands.run("reboot").how
    except Denied as error:
        return error.missing


def note(inputs):
    """A file, from its beginning to its end."""
    files.write(NOTE, "note", parents=True)
    text = files.read_text(NOTE)
    facts = files.stat(NOTE)
    files.remove(NOTE)
    return {"text": text, "size": facts.size, "gone": files.stat(NOTE) is None}


def parameter(inputs):
    """A parameter, written and read."""
    parameters.put("/behaviours/one", "one")
    return parameters.get("/behaviours/one").value


def secret(inputs):
    """A secret, used without having seen it."""
    placeholder = parameters.get("/behaviours/secret").value
    commands.run("cat", stdin=placeholder)
    return placeholder


def request(inputs):
    """A request."""
    answer = http.get("http://box.test/hello")
    return {"status": answer.status, "body": answer.text}


def regions(inputs):
    """A request that the engine signs."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    form = "Action=DescribeRegions&Version=2016-11-15"
    answer = aws.send("ec2", "POST", "/", headers=headers, body=form, region="eu-west-1")
    return {"status": answer.status, "body": answer.text}


def blob(inputs):
    """A large value."""
    return blobs.read(blobs.put(inputs.text)).decode()


def approval(inputs):
    """A question."""
    decision = approvals.request("Go on?")
    return {"approved": decision.approved, "by": decision.votes[0].approver}


def sleep(inputs):
    """Two hours by the language's own clock."""
    before = time.time()
    waits.sleep(2 * 60 * 60)
    return int(time.time() - before)


def replay(inputs):
    """Begins again after an hour, and does nothing twice."""
    number = random.randrange(1_000_000)
    said = [commands.run("echo", word, number).stdout for word in ("one", "two")]
    waits.sleep(60 * 60)
    said.append(commands.run("echo", "three", number).stdout)
    return {"stdouts": said, "random": number}


def keep(inputs):
    """What the rollback removes."""
    files.write(KEPT, "kept", parents=True)
    return "kept"


def logs(inputs):
    """A line at each level, and progress."""
    log.debug("a debug line")
    log.info("an info line", answer=42)
    logging.getLogger(__name__).warning("a warning")
    log.error("an error")
    log.progress(1, 2, "half")
    log.progress(2, 2, "whole")
    return "logged"


def large(inputs):
    """A long text."""
    return Outputs(result=len(inputs.text.encode()), text=inputs.text)


def endless(inputs):
    """Never ends."""
    while True:
        pass


CASES = {
    "echo": echo,
    "absent": lambda inputs: "absent" if inputs.text is None else "given",
    "invalid": invalid,
    "garbled": garbled,
    "crashes": crashes,
    "command": command,
    "command-exit": lambda inputs: commands.run("sh", "-c", "exit 3").exit_code,
    "denied": denied,
    "denied-uncaught": lambda inputs: commands.run("reboot").how,
    "files": note,
    "parameters": parameter,
    "secret": secret,
    "http": request,
    "aws": regions,
    "blobs": blob,
    "approval": approval,
    "sleep": sleep,
    "signal": lambda inputs: waits.signal("go").payload,
    "child": lambda inputs: executions.run(inputs.text).status,
    "replay": replay,
    "rollback": keep,
    "logs": logs,
    "large": large,
    "unicode": lambda inputs: {"text": inputs.text, "length": len(inputs.text)},
    "too-large": lambda inputs: "x" * (2 * 1024 * 1024),
    "endless": endless,
}


@action("test:behaviours", version="1.0.0", capabilities=dict.fromkeys(WANTED, WHY))
def behaviours(context: Context, inputs: Inputs) -> Outputs:
    """Behaves as the suite in sdk/behaviours asks."""
    if inputs.case == "fails":
        return Outputs(result=fails(inputs, context.attempt))
    if inputs.case not in CASES:
        raise Failure("invalid-input", f"there is no case `{inputs.case}`")
    result = CASES[inputs.case](inputs)
    return result if isinstance(result, Outputs) else Outputs(result=result)


@behaviours.rollback
def undo(inputs: Inputs, done: Done):
    """Removes what the case `rollback` wrote."""
    if inputs.case == "rollback" and done.outputs is not None and done.outputs.result == "kept":
        files.remove(KEPT)
        log.info(f"rolled back {len(done.calls)} calls")
