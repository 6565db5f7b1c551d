"""The parameter store. Needs the grant `parameters`.

The value of a `SecureString` is a text that stands for it. Put it where the value belongs (standard input or environment of a
command, contents of a file, headers or body of a request, another parameter's value), and the engine puts the value in its
place as the effect happens.
"""

from .host import call
from .shapes import Parameter

__all__ = ["Parameter", "delete", "generate", "get", "get_by_path", "history", "label", "put", "reveal"]


def get(name):
    """Reads a parameter: `name`, `name:version` or `name:label`."""
    return call("parameters.get", name=name)


def get_by_path(path, recursive=False):
    """Reads what stands under a path, sorted by name; at most 1,000."""
    return call("parameters.get-by-path", path=path, recursive=recursive)


def put(name, value, parameter_type="String", overwrite=True):
    """Writes a new version. `overwrite` false: an existing parameter raises `Invalid`."""
    return call("parameters.put", name=name, parameter_type=parameter_type, value={"given": value}, overwrite=overwrite)


def generate(name, characters, parameter_type="SecureString", overwrite=True):
    """Writes a new version with a random value that nobody has seen."""
    value = {"generated": characters}
    return call("parameters.put", name=name, parameter_type=parameter_type, value=value, overwrite=overwrite)


def delete(name):
    """Deletes a parameter with all its versions. Succeeds when it is not there."""
    call("parameters.delete", name=name)


def history(name):
    """All versions kept, oldest first."""
    return call("parameters.history", name=name)


def label(name, version, label):
    """Moves a label to a version."""
    call("parameters.label", name=name, version=version, label=label)


def reveal(placeholder):
    """The value behind a placeholder. A grant of its own."""
    return call("parameters.reveal", placeholder=placeholder)
