"""`{{action}}`: the action of this plugin. The build makes a component of this file and of what it imports."""

from dataclasses import dataclass
from typing import Annotated

from runwright import Done, Failure, action, commands, files, log


@dataclass
class Inputs:
    """What a step is given. `greeting` is `Greeting` in runbooks."""

    path: Annotated[str, "Absolute path of the file that gets the greeting."]
    greeting: Annotated[str, "What to say."] = "Hello"


@dataclass
class Outputs:
    """What other steps may refer to."""

    text: Annotated[str, "What the file says now."]


@action(
    "{{action}}",
    version="0.1.0",
    impact="mutating",
    capabilities={"commands": "Asks the machine for its name.", "files": "Writes the greeting."},
)
def greet(inputs: Inputs) -> Outputs:
    """Writes a greeting of this machine into a file."""
    if not inputs.greeting.strip():
        raise Failure("invalid-input", "Greeting must not be empty")
    machine = commands.run("uname", "-n").check("asking the machine for its name").stdout.strip()
    text = f"{inputs.greeting} from {machine}"
    # What stood there is kept by the engine, so that the rollback can put it back.
    files.snapshot(inputs.path)
    files.write(inputs.path, text + "\n")
    log.info("greeted", path=inputs.path)
    return Outputs(text)


@greet.rollback
def undo(inputs: Inputs, done: Done):
    """Puts back what was there. Also called when the step failed half-way, so it goes by the calls that were made."""
    for call in reversed(done.calls_of("files.snapshot")):
        if call.answer is not None:
            files.restore(call.answer)
