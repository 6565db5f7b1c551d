"""Large values, kept by content and encrypted. Needs the grant `blobs`."""

from .host import call

__all__ = ["get", "put", "read", "size"]

#: How much one call reads.
PART_BYTES_MAX = 8 * 1024 * 1024


def put(contents: str | bytes) -> str:
    """Keeps bytes or text, at most 64 MiB, and answers their name: `sha256:` and 64 hexadecimal digits."""
    return call("blobs.put", contents=contents.encode() if isinstance(contents, str) else bytes(contents))


def get(name: str, offset: int = 0, length: int = PART_BYTES_MAX) -> bytes:
    """Reads up to `length` bytes (at most 8 MiB) from `offset`. Fewer at the end."""
    return call("blobs.get", name=name, offset=offset, length=length)


def read(name: str) -> bytes:
    """Reads the whole of it, in as many calls as that takes."""
    parts: list[bytes] = []
    left = size(name)
    while left > 0:
        parts.append(get(name, sum(map(len, parts))))
        left -= len(parts[-1])
    return b"".join(parts)


def size(name: str) -> int:
    """How many bytes it has."""
    return call("blobs.size", name=name)
