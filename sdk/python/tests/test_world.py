"""The world of tests: it refuses what the engine refuses, records as the journal does, and replays."""

import json
import logging
import os
import random
import time
import unittest
from dataclasses import dataclass
from datetime import timedelta

import plugin
from runwright import (
    Denied,
    Invalid,
    NotFound,
    TimedOut,
    Unavailable,
    action,
    approvals,
    aws,
    blobs,
    commands,
    executions,
    files,
    http,
    journal,
    log,
    now,
    parameters,
    step,
    waits,
)
from runwright.testing import NonDeterminism, World, crash_everywhere, exit_with, rollback, run

CALLS = os.path.join(os.path.dirname(__file__), "..", "..", "behaviours", "calls.json")


def everything():
    """Calls every function once, each so that it answers, and answers the world."""
    world = World(parameters={"/s": {"secure": "hunter2"}})
    world.command("ls -l").document("AWS-RunShellScript").http("POST http://box.test/a").aws("ec2 POST /")
    world.probe("tcp db:5432", after=2).decide().signal("go", {"a": 1}).child("child", outputs={"a.B": 1})
    with world.answering():
        commands.run("ls", "-l", on="web-1", script="x", stdin="in", environment={"A": "1"}, timeout=1.5)
        commands.run_document({"DocumentName": "AWS-RunShellScript", "Targets": []})
        files.make_directory("/srv", 0o700)
        files.write("/srv/a", "a", mode=0o600)
        files.read("/srv/a")
        files.stat("/srv/a")
        files.list_directory("/srv")
        files.link("/srv/l", "a")
        files.restore(files.snapshot("/srv/l"))
        files.restore(files.snapshot("/srv/none"))
        files.remove("/srv/l")
        http.post("http://box.test/a", body="b", headers={"A": "b"}, timeout=timedelta(seconds=3), redirects=1)
        aws.send("ec2", "POST", "/", body="Action=DescribeInstances")
        parameters.put("/a", "v")
        parameters.generate("/g", 8)
        parameters.label("/a", 1, "live")
        parameters.get("/a:live")
        parameters.get_by_path("/", recursive=True)
        parameters.history("/g")
        parameters.reveal("((secret:/s:1))")
        parameters.delete("/g")
        approvals.request("Go on?", deadline=now() + timedelta(days=1))
        waits.sleep(5)
        waits.sleep_until(now() + timedelta(hours=1))
        waits.signal("go")
        waits.probe(waits.tcp("db", 5432), now() + timedelta(minutes=1))
        name = blobs.put("blob")
        blobs.get(name, 1, 2)
        blobs.size(name)
        executions.run("child", {"P": [1]})
        for missing in (files.read, parameters.get, blobs.size):
            try:
                missing("/missing")
            except NotFound:
                pass
    return world


class WorldTest(unittest.TestCase):
    maxDiff = None

    def test_calls_are_recorded_as_the_journal_keeps_them(self):
        # The same file is held against the engine's own types, and against the library for JavaScript.
        found = [
            {"function": function, "request": json.loads(request)}
            | ({"error": error.recorded()} if error else {"answer": json.loads(journal.recorded_answer(function, answer))})
            for function, request, answer, error, _ in everything()._recorded
        ]
        if os.environ.get("UPDATE_GOLDEN"):
            with open(CALLS, "w", encoding="utf-8") as file:
                file.write("[\n" + ",\n".join(journal.text(each) for each in found) + "\n]\n")
        with open(CALLS, encoding="utf-8") as file:
            self.assertEqual(found, json.load(file))

    def test_a_rollback_reads_what_the_functions_answered(self):
        world = everything()
        done = world.done()
        self.assertEqual(done.calls_of("files.read")[0].answer, b"a")
        self.assertEqual(done.calls_of("files.snapshot")[0].answer.before.link, "a")
        self.assertIsNone(done.calls_of("files.snapshot")[1].answer.before)
        self.assertEqual(done.calls_of("parameters.put")[0].request["name"], "/a")
        self.assertEqual(done.calls_of("http.send")[0].answer.status, 200)
        missing = done.calls_of("files.read")[1]
        self.assertEqual(missing.error, {"not-found": "`/missing` does not exist"})
        self.assertFalse(missing.may_have_happened)

    def test_the_clock_moves_only_while_it_waits(self):
        world = World()
        with world.answering():
            before, steady = time.time(), time.monotonic()
            time.sleep(3)
            waits.sleep(timedelta(hours=2))
            self.assertEqual(time.time() - before, 7203)
            self.assertEqual(time.monotonic() - steady, 7203)
            self.assertEqual(now().isoformat(), "2026-01-01T02:00:03+00:00")
        self.assertEqual(world.functions, ["waits.sleep", "waits.sleep"])

    def test_random_numbers_are_the_same_for_the_same_attempt(self):
        def draw(key):
            with World().answering(key):
                return random.random(), os.urandom(4), random.SystemRandom().random()

        self.assertEqual(draw("a"), draw("a"))
        self.assertNotEqual(draw("a"), draw("b"))

    def test_what_is_not_scripted_says_what_to_script(self):
        with World().answering():
            with self.assertRaisesRegex(Unavailable, "no answer for `reboot`: script one for commands.run"):
                commands.run("reboot")
            with self.assertRaisesRegex(Unavailable, "the signal `go`"):
                waits.signal("go")

    def test_answers_are_taken_in_order(self):
        world = World().command("curl *", exit=7, times=1).command("curl *", stdout="ok")
        with world.answering():
            self.assertEqual([commands.run("curl", "x").exit_code for _ in range(3)], [7, 0, 0])

    def test_grants(self):
        world = World(granted=["files"]).refuse("files.write", Denied("files", "files.write: [/etc/motd]"))
        with world.answering():
            with self.assertRaises(Denied):
                commands.run("ls")
            with self.assertRaises(Denied):
                files.write("/etc/motd", "")
            world.relent()
            files.write("/etc/motd", "")
        self.assertEqual(world.files["/etc/motd"], b"")

    def test_waits_end_at_their_deadlines(self):
        world = World().signal("go", after=60).probe("/tmp/x", comes=False)
        with world.answering():
            with self.assertRaises(TimedOut):
                waits.signal("go", deadline=now() + timedelta(seconds=10))
            with self.assertRaises(TimedOut):
                waits.probe(waits.file("/tmp/x"), now() + timedelta(seconds=10))
            self.assertEqual(now().second, 20)

    def test_files_and_parameters_refuse_what_the_engine_refuses(self):
        world = World(files={"/srv/a": "a"}, parameters={"/l": ["a", "b"], "/s": {"secure": "x"}})
        with world.answering():
            for error, call in (
                (NotFound, lambda: files.write("/none/a", "")),
                (Invalid, lambda: files.write("/srv", "")),
                (Invalid, lambda: files.remove("/srv")),
                (Invalid, lambda: parameters.put("/l", "c", overwrite=False)),
                (NotFound, lambda: parameters.get("/l:2")),
            ):
                with self.assertRaises(error):
                    call()
            self.assertEqual(parameters.get("/l").value, "a,b")
            self.assertEqual(parameters.get("/s").value, "((secret:/s:1))")

    def test_the_log(self):
        world = World(attachments={"a": "b"}, globals={"REGION": "eu-west-1"})
        with world.answering():
            log.info("an info line", answer=42, name="a b", word="c")
            log.progress(1, 2, "half")
            logger = logging.Logger("x")
            logger.addHandler(log.Handler())
            logger.warning("two\nlines")
            self.assertEqual(step.attachment("a"), b"b")
            self.assertEqual(step.globals()["REGION"], "eu-west-1")
        self.assertEqual(
            world.lines,
            [
                ("info", 'an info line answer=42 name="a b" word=c'),
                ("info", "1/2: half"),
                ("warn", "two"),
                ("warn", "lines"),
            ],
        )


@dataclass
class Outputs:
    value: float


class ReplayTest(unittest.TestCase):
    def test_the_behaviours_go_on_after_a_crash_at_every_call(self):
        def make():
            world = World(parameters={"/behaviours/secret": {"secure": "x"}}).command("reboot", answer=refused)
            world.command("*", answer=lambda command: exit_with(0, command["arguments"][-1]))
            world.http("GET *", 201, "hello").decide().signal("go", [1]).child("text")
            return world

        for case in plugin.CASES:
            if case != "endless":
                with self.subTest(case):
                    crash_everywhere(plugin.behaviours, {"Case": case, "Text": "text"}, make)

    def test_an_action_that_is_not_the_same_again_is_found(self):
        turns = iter(range(100))

        @action("acme:moody", version="1.0.0")
        def moody(inputs: dict) -> Outputs:
            """Does something else each time."""
            commands.run("echo", next(turns))
            commands.run("echo", "end")
            return Outputs(1)

        with self.assertRaisesRegex(NonDeterminism, "stopped at call 0, commands.run: call 0 is .*, and without the stop"):
            crash_everywhere(moody, {}, lambda: World().command("*"))

    def test_outputs_that_differ_are_found(self):
        turns = iter(range(100))

        @action("acme:forgetful", version="1.0.0")
        def forgetful(inputs: dict) -> Outputs:
            """Answers something else each time."""
            return Outputs(next(turns))

        with self.assertRaisesRegex(AssertionError, "after the last: ended with"):
            crash_everywhere(forgetful, {}, World)

    def test_rollback_is_told_what_was_done(self):
        world = World()
        outputs = run(plugin.behaviours, {"Case": "rollback"}, world)
        self.assertIn("/tmp/behaviours/kept", world.files)
        rollback(plugin.behaviours, {"Case": "rollback"}, world, outputs)
        self.assertNotIn("/tmp/behaviours/kept", world.files)
        self.assertEqual(world.lines, [("info", "rolled back 1 calls")])


def refused(command):
    """As the engine refuses it."""
    raise Denied("commands", f"commands: [{command['arguments'][0]}]")
