"""Stops the engine at each call of an action, and checks that it goes on as if nothing had been."""

from ..errors import failure_of
from .runs import run
from .world import NonDeterminism, Stopped

__all__ = ["Stopped", "crash_everywhere"]


def crash_everywhere(action, inputs, make, in_context=None):
    """Runs an action in `make()`, a world, and then once for each of its calls with the engine stopped there.

    After each stop it begins again and is answered from the journal. It must make the same calls and end the same: with the
    same outputs, or the same failure. At last it runs again with every call answered, as after a crash at its end. Answers
    the outcome; raises `AssertionError` (`NonDeterminism` for another call) otherwise.
    """
    world = make()
    expected, calls = outcome(action, inputs, world, in_context), recorded(world)
    for stop in range(len(calls) + 1):
        world = make().stop_at(stop)
        try:
            outcome(action, inputs, world, in_context)
        except Stopped:
            pass
        found = outcome(action, inputs, world.resume(), in_context)
        where = f"stopped at call {stop}" + (f", {calls[stop][0]}" if stop < len(calls) else ", after the last")
        if found != expected:
            raise AssertionError(f"{where}: ended with {found!r}, and without the stop with {expected!r}")
        check_calls(where, recorded(world), calls)
    return expected


def outcome(action, inputs, world, in_context):
    """The outputs, or how it failed."""
    try:
        return run(action, inputs, world, in_context)
    except NonDeterminism:
        raise
    except Exception as error:
        failure = failure_of(error)
        return failure.kind, failure.message.partition("\n")[0]


def recorded(world):
    """The calls that were made."""
    return [(call.function, call.request) for call in world.calls]


def check_calls(where, found, expected):
    """Raises at the first call that is another one."""
    nothing = ("no call", "")
    for number in range(max(len(found), len(expected))):
        is_now = found[number] if number < len(found) else nothing
        was = expected[number] if number < len(expected) else nothing
        if is_now != was:
            raise NonDeterminism(f"{where}: call {number} is {is_now[0]} {is_now[1]}, and without the stop {was[0]} {was[1]}")
