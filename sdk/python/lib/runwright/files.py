"""Files of a target, under the paths that were granted. Needs the grant `files`."""

from .host import call
from .shapes import Facts, Kept, kept_record

__all__ = [
    "Facts",
    "Kept",
    "link",
    "list_directory",
    "make_directory",
    "read",
    "read_text",
    "remove",
    "restore",
    "snapshot",
    "stat",
    "write",
]


def read(path: str, on: str | None = None) -> bytes:
    """Reads a whole regular file, at most 8 MiB."""
    return call("files.read", on=on, path=path)


def read_text(path: str, on: str | None = None) -> str:
    """The same as text."""
    return read(path, on).decode()


def write(
    path: str,
    contents: str | bytes,
    *,
    mode: int | None = None,
    owner: str | None = None,
    group: str | None = None,
    parents: bool = False,
    on: str | None = None,
) -> None:
    """Replaces a file's contents, text or bytes, in one step. Secret placeholders in them are replaced on the target.

    `mode`, `owner` and `group`: those of the file replaced when they are not given. `parents`: make missing folders.
    """
    contents = contents.encode() if isinstance(contents, str) else bytes(contents)
    options = {"mode": mode, "owner": owner, "group": group, "parents": parents}
    call("files.write", on=on, path=path, contents=contents, options=options)


def stat(path: str, on: str | None = None) -> Facts | None:
    """Facts of a path; `None` when nothing is there."""
    return call("files.stat", on=on, path=path)


def list_directory(path: str, on: str | None = None) -> list[str]:
    """The names in a folder, sorted."""
    return call("files.list-directory", on=on, path=path)


def make_directory(path: str, mode: int | None = None, on: str | None = None) -> None:
    """Makes a folder and those above it. Succeeds when it is there already."""
    call("files.make-directory", on=on, path=path, mode=mode)


def link(path: str, points_to: str, on: str | None = None) -> None:
    """Makes a symbolic link, replacing a link or a file of that name in one step."""
    call("files.link", on=on, path=path, points_to=points_to)


def remove(path: str, on: str | None = None) -> None:
    """Removes a file, a link or an empty folder. Succeeds when nothing is there."""
    call("files.remove", on=on, path=path)


def snapshot(path: str, on: str | None = None) -> Kept:
    """Keeps what stands at a path, so that `restore` can put it back: also in a rollback, from the calls recorded."""
    return call("files.snapshot", on=on, path=path)


def restore(kept: Kept, on: str | None = None) -> None:
    """Puts back what a snapshot kept: contents, mode, owner, link, or absence."""
    call("files.restore", on=on, snapshot=kept_record(kept))
