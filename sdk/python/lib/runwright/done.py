"""What a step did, for its rollback."""

import dataclasses
import typing

from . import journal


@dataclasses.dataclass(frozen=True)
class Call:
    """A capability call that the step made."""

    #: The interface and function, for example `parameters.put`.
    function: str
    #: What was asked, with the names that the function's request has in the journal.
    request: dict
    #: What was answered, as the function itself answers; `None` when it failed or never ended, or had nothing to say.
    answer: typing.Any = None
    #: The error, as the journal keeps it.
    error: typing.Optional[dict] = None
    #: Whether an answer or an error came before the engine stopped.
    ended: bool = True

    @property
    def may_have_happened(self) -> bool:
        """Whether it may have had its effect: unless the engine said that it did not."""
        return self.error is None or any(name in self.error for name in ("uncertain", "unavailable", "timed-out"))

    @classmethod
    def of(cls, function, request, answer, error):
        """Of JSON texts; both `answer` and `error` are `None` when neither came."""
        return cls(
            function,
            journal.request(function, request),
            None if answer is None else journal.answer(function, answer),
            None if error is None else journal.error(error),
            answer is not None or error is not None,
        )


@dataclasses.dataclass(frozen=True)
class Done:
    """What a step did."""

    #: The outputs, when the step ended well; `None` when it failed half-way.
    outputs: typing.Any
    #: Every call it made, in order, over all its attempts.
    calls: list[Call]

    def calls_of(self, function: str) -> list[Call]:
        """The calls of one function, for example `files.write`, in order."""
        return [call for call in self.calls if call.function == function]
