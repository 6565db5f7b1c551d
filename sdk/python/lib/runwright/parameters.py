"""The parameter store. Needs the grant `parameters`.

The value of a `SecureString` is a text that stands for it. Put it where the value belongs (standard input or environment of a
command, contents of a file, headers or body of a request, another parameter's value), and the engine puts the value in its
place as the effect happens.
"""

from typing import Literal

from .host import call
from .shapes import Parameter

__all__ = ["Parameter", "delete", "generate", "get", "get_by_path", "history", "label", "put", "reveal"]

Type = Literal["String", "StringList", "SecureString"]


def get(name: str) -> Parameter:
    """Reads a parameter: `name`, `name:version` or `name:label`."""
    return call("parameters.get", name=name)


def get_by_path(path: str, recursive: bool = False) -> list[Parameter]:
    """Reads what stands under a path, sorted by name; at most 1,000."""
    return call("parameters.get-by-path", path=path, recursive=recursive)


def put(name: str, value: str, parameter_type: Type = "String", overwrite: bool = True) -> Parameter:
    """Writes a new version. `overwrite` false: an existing parameter raises `Invalid`."""
    return call("parameters.put", name=name, parameter_type=parameter_type, value={"given": value}, overwrite=overwrite)


def generate(name: str, characters: int, parameter_type: Type = "SecureString", overwrite: bool = True) -> Parameter:
    """Writes a new version with a random value that nobody has seen."""
    value = {"generated": characters}
    return call("parameters.put", name=name, parameter_type=parameter_type, value=value, overwrite=overwrite)


def delete(name: str) -> None:
    """Deletes a parameter with all its versions. Succeeds when it is not there."""
    call("parameters.delete", name=name)


def history(name: str) -> list[Parameter]:
    """All versions kept, oldest first."""
    return call("parameters.history", name=name)


def label(name: str, version: int, label: str) -> None:
    """Moves a label to a version."""
    call("parameters.label", name=name, version=version, label=label)


def reveal(placeholder: str) -> str:
    """The value behind a placeholder. A grant of its own."""
    return call("parameters.reveal", placeholder=placeholder)
