"""The plugin in a world that only answers: no engine, no WebAssembly."""

import unittest

import plugin
from runwright import Denied, Failure
from runwright.testing import World, crash_everywhere, rollback, run

PATH = "/tmp/{{name}}.txt"
INPUTS = plugin.Inputs(path=PATH)


def world():
    return World(files={PATH: "before"}).command("uname -n", stdout="box\n")


class GreetTest(unittest.TestCase):
    def test_it_greets(self):
        here = world()
        self.assertEqual(run(plugin.greet, INPUTS, here).text, "Hello from box")
        self.assertEqual(here.files[PATH], b"Hello from box\n")

    def test_an_empty_greeting_is_refused(self):
        with self.assertRaisesRegex(Failure, "must not be empty"):
            run(plugin.greet, plugin.Inputs(path=PATH, greeting=" "), world())

    def test_a_denial_leaves_everything_as_it_was(self):
        here = world().refuse("files.write", Denied("files", f"files.write: [{PATH}]"))
        with self.assertRaises(Denied):
            run(plugin.greet, INPUTS, here)
        self.assertEqual(here.files[PATH], b"before")

    def test_the_rollback_puts_back_what_was_there(self):
        here = world()
        outputs = run(plugin.greet, INPUTS, here)
        rollback(plugin.greet, INPUTS, here, outputs)
        self.assertEqual(here.files[PATH], b"before")

    def test_it_goes_on_after_a_crash_at_every_call(self):
        crash_everywhere(plugin.greet, INPUTS, world)
