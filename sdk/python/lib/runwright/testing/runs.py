"""Runs and rolls back an action in a world, as the engine does: from JSON to JSON."""

import dataclasses
import json

from .. import schema
from ..action import Context
from .world import World


def context(**given):
    """A first attempt of a step named `step`, without a deadline; with what is given instead."""
    usual = Context("execution-1", "step", 1, 1, "00000000-0000-7000-8000-000000000001")
    return dataclasses.replace(usual, **given)


def run(action, inputs, world=None, in_context=None):
    """Runs an action and answers its outputs, as its function answers them.

    `inputs`: the action's dataclass, or a dict with the names of runbooks. Raises what the action raises. Outputs that the
    schema does not describe fail as the engine would fail them.
    """
    world, in_context = world or World(), in_context or context()
    with world.answering(in_context.idempotency_key):
        outputs = action.run_json(in_context, json.dumps(schema.encode(inputs)))
    return schema.decode(action.outputs, json.loads(outputs)) if action.outputs not in (None, type(None)) else None


def rollback(action, inputs, world, outputs=None, in_context=None):
    """Rolls an action back, telling it of every call that this world saw, and of the outputs if the step ended well."""
    in_context = in_context or context()
    outputs = None if outputs is None else json.dumps(schema.encode(outputs))
    calls = world.forget_journal()
    with world.answering(in_context.idempotency_key + "/rollback"):
        action.rollback_json(in_context, json.dumps(schema.encode(inputs)), outputs, calls)
