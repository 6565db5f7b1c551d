"""A world that only answers, for unit tests of plugins in any Python: no engine, no WebAssembly.

    world = World(files={"/etc/motd": "hello"})
    world.command("systemctl restart *", stdout="done")
    outputs = run(restart, Inputs(service="app"), world)

`crash_everywhere` runs an action again and again, each time with the engine stopped at another of its calls, and checks that
it ends the same: it goes on from its start, and is answered from the journal up to where it was.
"""

from .replay import Stopped, crash_everywhere
from .runs import context, rollback, run
from .world import NonDeterminism, World, exit_with, respond

__all__ = [
    "NonDeterminism",
    "Stopped",
    "World",
    "context",
    "crash_everywhere",
    "exit_with",
    "respond",
    "rollback",
    "run",
]
