"""The component: every action that runs in Python, behind the interface `action` of wit/.

It provides several actions, so its own `describe` names the first only; the engine has the descriptions of all of them in
`actions.json` beside this file. Everything that this module imports is in the snapshot that the build makes.
"""

import json

import snapshot  # noqa: F401  first: it readies the interpreter

import failures
import process
import script
from aws_actions import ACTIONS as AWS_ACTIONS
from componentize_py_types import Err
from webhook import invoke_webhook
from wit_world import exports
from wit_world.exports import action as wit
from wit_world.imports import step

ACTIONS = {"aws:executeScript": script.execute, "aws:invokeWebhook": invoke_webhook, **AWS_ACTIONS}


class Action(exports.Action):
    """What the engine calls."""

    def describe(self):
        return wit.Manifest(
            action="aws:executeScript",
            version="0.1.0",
            description="Runs a Python script; provides the AWS API actions as well.",
            inputs='{"type":"object","properties":{}}',
            outputs='{"type":"object","properties":{}}',
            capabilities=[],
            rollback=False,
            impact=wit.Impact.UNDETERMINED,
        )

    def run(self, context, inputs):
        process.begin(dict(step.globals()))
        try:
            outputs = ACTIONS[step.action()](context, json.loads(inputs))
            text = json.dumps(outputs, allow_nan=False)
        except BaseException as error:  # a script may raise anything, SystemExit too
            raise Err(failures.of(error)) from None
        finally:
            process.end()
        return text

    def rollback(self, context, inputs, done):
        """Nothing here can be undone, so this is never called."""


process.freeze()
