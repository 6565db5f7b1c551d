"""What a step knows of itself beyond its context. Needs no grant."""

from .host import current

__all__ = ["attachment", "globals"]


def attachment(name: str) -> bytes | None:
    """The bytes of an attachment of the runbook; `None` when it has none of that name with a checksum."""
    return current().attachment(name)


def globals() -> dict[str, str]:
    """The values that runbooks name `global:…`: `REGION`, `ACCOUNT_ID` and `AWS_PARTITION`."""
    return current().globals()
