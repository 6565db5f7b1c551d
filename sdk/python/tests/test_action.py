"""Actions: what the decorator makes of functions and classes, and what becomes of exceptions."""

import datetime
import json
import unittest
from dataclasses import dataclass
from typing import Annotated

from runwright import Context, Denied, Done, Failure, LimitExceeded, NotFound, Unavailable, action, errors
from runwright.action import action_of
from runwright.testing import context


@dataclass
class Inputs:
    service: Annotated[str, "The unit's name."]


@dataclass
class Outputs:
    attempt: int


@action("acme:restart", version="1.2.3", impact="mutating", capabilities={"commands": "Restarts."})
def restart(context: Context, inputs: Inputs) -> Outputs:
    """Restarts a service.

    And more about it.
    """
    return Outputs(context.attempt)


@action("acme:remember", version="1.0.0", impact="non-mutating")
class Remember:
    """Remembers."""

    undone = []

    def run(self, inputs: Inputs) -> Outputs:
        return Outputs(7)

    def rollback(self, inputs: Inputs, done: Done):
        self.undone.append((inputs.service, done.outputs.attempt))


class ActionTest(unittest.TestCase):
    def test_a_function_describes_itself(self):
        manifest = restart.manifest()
        self.assertEqual(manifest["action"], "acme:restart")
        self.assertEqual(manifest["description"], "Restarts a service.")
        self.assertEqual(manifest["capabilities"], [{"capability": "commands", "why": "Restarts."}])
        self.assertFalse(manifest["rollback"])
        self.assertEqual(manifest["inputs"]["properties"]["Service"]["description"], "The unit's name.")
        self.assertEqual(manifest["outputs"]["required"], ["Attempt"])

    def test_json_to_json(self):
        self.assertEqual(restart.run_json(context(attempt=3), '{"Service": "app"}'), '{"Attempt": 3}')
        with self.assertRaisesRegex(Failure, "the inputs of acme:restart do not fit: `Service` is missing"):
            restart.run_json(context(), "{}")

    def test_a_class_is_an_action_too(self):
        self.assertTrue(Remember.manifest()["rollback"])
        Remember.rollback_json(context(), '{"Service": "app"}', '{"Attempt": 7}', [])
        self.assertEqual(Remember.run.__self__.undone, [("app", 7)])

    def test_outputs_that_json_does_not_know_fail(self):
        @action("acme:odd", version="1.0.0")
        def odd(inputs: dict) -> dict:
            """Odd."""
            return inputs | {"When": datetime.date.today()}

        with self.assertRaisesRegex(Failure, "outputs cannot be written as JSON: .*date"):
            odd.run_json(context(), "{}")

    def test_outputs_that_are_no_utf8_fail(self):
        @action("acme:name", version="1.0.0")
        def name(inputs: Inputs) -> dict:
            """Answers a file's name that is no UTF-8."""
            return {"Name": b"\xff".decode(errors="surrogateescape")}

        with self.assertRaisesRegex(Failure, "outputs cannot be written as JSON: .*surrogates"):
            name.run_json(context(), '{"Service": "x"}')

    def test_mistakes_are_found_at_once(self):
        def silent(inputs: Inputs) -> Outputs:
            pass

        def untyped(inputs):
            """Says nothing of its types."""

        for problem, make in {
            "no description": lambda: action("a:b", version="1.0.0")(silent),
            "with type hints": lambda: action("a:b", version="1.0.0")(untyped),
            "no capability `filez`": lambda: action("a:b", version="1.0.0", capabilities={"filez": "x"}),
            "no impact": lambda: action("a:b", version="1.0.0", impact="huge"),
        }.items():
            with self.assertRaisesRegex((TypeError, ValueError), problem):
                make()

    def test_a_module_has_one_action(self):
        module = type(unittest)("plugin")
        with self.assertRaisesRegex(TypeError, "must have one action"):
            action_of(module)
        module.restart = restart
        self.assertIs(action_of(module), restart)


class FailureTest(unittest.TestCase):
    def test_errors_of_capabilities_become_failures(self):
        denied = errors.failure_of(Denied("files", "files.write: [/etc/motd]"))
        self.assertEqual((denied.kind, denied.retryable), ("denied", False))
        self.assertIn("add the grant `files.write: [/etc/motd]`", str(denied))
        limit = errors.failure_of(LimitExceeded("command-stdin-bytes", 8, 9))
        self.assertEqual(limit.kind, "limit-exceeded")
        self.assertIn("9 of at most 8", str(limit))
        self.assertTrue(errors.failure_of(Unavailable("gone")).retryable)

    def test_errors_survive_the_journal(self):
        for error in (Denied("a", "b"), NotFound("c"), LimitExceeded("d", 1, 2)):
            again = errors.from_record(json.loads(json.dumps(error.recorded())))
            self.assertEqual((type(again), str(again)), (type(error), str(error)))

    def test_other_exceptions_say_where_they_came_from(self):
        def inner():
            return {}["missing"]

        try:
            inner()
        except KeyError as error:
            failure = errors.failure_of(error)
        self.assertEqual((failure.kind, failure.retryable), ("failed", True))
        self.assertRegex(failure.message, r"""^KeyError: 'missing'\n  at test_action.py:\d+, in .*: inner\(\)\n""")
        self.assertRegex(failure.message, r"""in inner: return \{\}\["missing"\]$""")
        self.assertEqual(failure.details["exception"], "KeyError")

    def test_kinds_are_those_of_the_contract(self):
        with self.assertRaisesRegex(ValueError, "no kind of failure"):
            Failure("broken", "x")
        self.assertFalse(Failure("invalid-input", "x").retryable)
        self.assertTrue(Failure("invalid-input", "x", retryable=True).retryable)
