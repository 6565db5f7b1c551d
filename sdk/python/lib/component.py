"""What the build makes a component of: the action in the author's `plugin.py`, behind the interface `action` of wit/."""

import plugin
from runwright import wire

Action = wire.exports(plugin)
