// The world of tests: it refuses what the engine refuses, records as the journal does, and replays.
// `node --test tests` in sdk/js.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import {
  Denied,
  Invalid,
  NotFound,
  TimedOut,
  Unavailable,
  approvals,
  aws,
  blobs,
  commands,
  definePlugin,
  executions,
  files,
  http,
  log,
  parameters,
  s,
  step,
  waits,
} from "../lib/index.js";
import { NonDeterminism, World, crashEverywhere, exitWith, rollback, run } from "../lib/testing/index.js";

const CALLS = new URL("../../behaviours/calls.json", import.meta.url);
const HOUR_MS = 3_600_000;

// Calls every function once, each so that it answers, and answers the world. The same calls as in sdk/python/tests.
function everything() {
  const world = new World({ parameters: { "/s": { secure: "hunter2" } } })
    .command("ls -l")
    .document("AWS-RunShellScript")
    .http("POST http://box.test/a")
    .aws("ec2 POST /")
    .probe("tcp db:5432", { afterMs: 2000 })
    .decide()
    .signal("go", { payload: { a: 1 } })
    .child("child", { outputs: { "a.B": 1 } });
  world.answering(() => {
    commands.run(["ls", "-l"], { on: "web-1", script: "x", stdin: "in", environment: { A: "1" }, timeoutMs: 1500 });
    commands.runDocument({ DocumentName: "AWS-RunShellScript", Targets: [] });
    files.makeDirectory("/srv", { mode: 0o700 });
    files.write("/srv/a", "a", { mode: 0o600 });
    files.read("/srv/a");
    files.stat("/srv/a");
    files.listDirectory("/srv");
    files.link("/srv/l", "a");
    files.restore(files.snapshot("/srv/l"));
    files.restore(files.snapshot("/srv/none"));
    files.remove("/srv/l");
    http.post("http://box.test/a", { body: "b", headers: { A: "b" }, timeoutMs: 3000, redirects: 1 });
    aws.send("ec2", "POST", "/", { body: "Action=DescribeInstances" });
    parameters.put("/a", "v");
    parameters.generate("/g", 8);
    parameters.label("/a", 1, "live");
    parameters.get("/a:live");
    parameters.getByPath("/", { recursive: true });
    parameters.history("/g");
    parameters.reveal("((secret:/s:1))");
    parameters.delete("/g");
    approvals.request("Go on?", { deadline: new Date(Date.now() + 24 * HOUR_MS) });
    waits.sleep(5000);
    waits.sleepUntil(Date.now() + HOUR_MS);
    waits.signal("go");
    waits.probe(waits.tcp("db", 5432), { deadline: Date.now() + 60_000 });
    const name = blobs.put("blob");
    blobs.get(name, { offset: 1, length: 2 });
    blobs.size(name);
    executions.run("child", { P: [1] });
    for (const missing of [files.read, parameters.get, blobs.size]) {
      assert.throws(() => missing("/missing"), NotFound);
    }
  });
  return world;
}

test("calls are recorded as the journal keeps them", () => {
  const found = everything().recorded.map(({ function: name, request, answer }) => ({
    function: name,
    request: JSON.parse(request),
    [answer.tag === "ok" ? "answer" : "error"]: JSON.parse(answer.val),
  }));
  // The engine's own types are held against the same file.
  assert.deepEqual(found, JSON.parse(readFileSync(CALLS, "utf8")));
});

test("a rollback reads what the functions answered", () => {
  const done = everything().done();
  assert.deepEqual([...done.callsOf("files.read")[0].answer], [97]);
  assert.equal(done.callsOf("files.snapshot")[0].answer.before.link, "a");
  assert.ok(done.callsOf("files.snapshot")[0].answer.before.modified instanceof Date);
  assert.equal(done.callsOf("parameters.put")[0].answer.parameterType, "String");
  assert.equal(done.callsOf("http.send")[0].answer.ok, true);
  const missing = done.callsOf("files.read")[1];
  assert.deepEqual(missing.error, { "not-found": "`/missing` does not exist" });
  assert.equal(missing.mayHaveHappened, false);
});

test("the clock moves only while it waits", () => {
  const world = new World();
  const began = Date.now();
  world.answering(() => {
    const before = Date.now();
    waits.sleep(2 * HOUR_MS);
    assert.equal(Date.now() - before, 2 * HOUR_MS);
    assert.equal(new Date().toISOString(), "2026-01-01T02:00:00.000Z");
    assert.ok(new Date(0) instanceof Date);
  });
  assert.ok(Date.now() - began < HOUR_MS, "the real clock is back");
});

test("random numbers are the same for the same attempt", () => {
  const draw = (key) => new World().answering(() => [Math.random(), Math.random()], key);
  assert.deepEqual(draw("a"), draw("a"));
  assert.notDeepEqual(draw("a"), draw("b"));
  assert.ok(draw("a").every((number) => number >= 0 && number < 1));
});

test("what is not scripted says what to script", () => {
  new World().answering(() => {
    assert.throws(() => commands.run(["reboot"]), { name: "Unavailable", message: /no answer for `reboot`/ });
    assert.throws(() => waits.signal("go"), Unavailable);
  });
});

test("answers are taken in order, and patterns are no regular expressions", () => {
  const world = new World().command("curl a.b*", { exit: 7, times: 1 }).command("curl *", { stdout: "ok" });
  const exits = world.answering(() => ["a.b/c", "a.b/c", "axb"].map((url) => commands.run(["curl", url]).exitCode));
  assert.deepEqual(exits, [7, 0, 0]);
});

test("grants", () => {
  const world = new World({ granted: ["files"] }).refuse("files.write", new Denied("files", "files.write: [/etc/motd]"));
  world.answering(() => {
    assert.throws(() => commands.run(["ls"]), Denied);
    assert.throws(() => files.write("/etc/motd", ""), { missing: "files.write: [/etc/motd]" });
    world.relent();
    files.write("/etc/motd", "x");
  });
  assert.equal(world.files.text("/etc/motd"), "x");
});

test("waits end at their deadlines", () => {
  const world = new World().signal("go", { afterMs: 60_000 }).probe("/tmp/x", { comes: false });
  world.answering(() => {
    assert.throws(() => waits.signal("go", { deadline: Date.now() + 10_000 }), TimedOut);
    assert.throws(() => waits.probe(waits.file("/tmp/x"), { deadline: Date.now() + 10_000 }), TimedOut);
  });
  assert.equal(world.now.toISOString(), "2026-01-01T00:00:20.000Z");
});

test("files and parameters refuse what the engine refuses", () => {
  const world = new World({ files: { "/srv/a": "a" }, parameters: { "/l": ["a", "b"], "/s": { secure: "x" } } });
  world.answering(() => {
    assert.throws(() => files.write("/none/a", ""), NotFound);
    assert.throws(() => files.write("/srv", ""), Invalid);
    assert.throws(() => files.remove("/srv"), Invalid);
    assert.throws(() => parameters.put("/l", "c", { overwrite: false }), Invalid);
    assert.throws(() => parameters.get("/l:2"), NotFound);
    assert.equal(parameters.get("/s").value, "((secret:/s:1))");
  });
  assert.equal(world.parameters.value("/l"), "a,b");
});

test("the log", () => {
  const world = new World({ attachments: { a: "b" }, globals: { REGION: "eu-west-1" } });
  world.answering(() => {
    log.info("an info line", { answer: 42, name: "a b", word: "c" });
    log.progress(1, 2, "half");
    assert.deepEqual([...step.attachment("a")], [98]);
    assert.equal(step.attachment("b"), null);
    assert.equal(step.globals().REGION, "eu-west-1");
  });
  assert.deepEqual(world.lines, [
    ["info", 'an info line answer=42 name="a b" word=c'],
    ["info", "1/2: half"],
  ]);
});

const plain = { version: "1.0.0", description: "For a test." };

const restart = definePlugin({
  ...plain,
  action: "acme:restart",
  inputs: { Service: s.string("The unit's name.") },
  outputs: { Said: s.list(s.string()), At: s.integer() },
  run(_context, inputs) {
    files.write(`/tmp/${inputs.Service}`, "restarting");
    const said = [commands.run(["stop", inputs.Service]).stdout];
    waits.sleep(1000 + Math.floor(Math.random() * 1000));
    said.push(commands.run(["start", inputs.Service]).check("starting").stdout);
    return { Said: said, At: Date.now() };
  },
  rollback(_context, inputs, done) {
    for (const call of done.callsOf("files.write")) files.remove(call.request.path);
    log.info(`rolled back ${done.calls.length} calls of ${inputs.Service}, outputs ${done.outputs?.Said}`);
  },
});

test("a plugin goes on after a crash at every call", () => {
  const make = () => new World().command("*", { answer: (command) => exitWith(0, command.arguments[0]) });
  const { outputs } = crashEverywhere(restart, { Service: "app" }, make);
  assert.deepEqual(outputs.Said, ["stop", "start"]);
  const failing = () => new World().command("stop *").command("start *", { exit: 1, stderr: "no" });
  const { failure } = crashEverywhere(restart, { Service: "app" }, failing);
  assert.deepEqual(failure, { kind: "failed", message: "starting ended with exit code 1: no" });
});

test("a plugin that is not the same again is found", () => {
  let turn = 0;
  const moody = definePlugin({
    ...plain,
    action: "acme:moody",
    run() {
      try {
        commands.run(["echo", turn++]);
        commands.run(["end"]);
      } catch {
        // Whoever catches everything does not catch the end of the engine.
      }
    },
  });
  assert.throws(() => crashEverywhere(moody, {}, () => new World().command("*")), NonDeterminism);
  const forgetful = definePlugin({
    ...plain,
    action: "acme:forgetful",
    outputs: { Turn: s.integer() },
    run: () => ({ Turn: turn++ }),
  });
  assert.throws(() => crashEverywhere(forgetful, {}, () => new World()), /after the last call: ended with/);
});

test("a rollback is told what was done", () => {
  const world = new World().command("*", { stdout: "x" });
  const outputs = run(restart, { Service: "app" }, world);
  assert.equal(world.files.text("/tmp/app"), "restarting");
  rollback(restart, { Service: "app" }, world, outputs);
  assert.equal(world.files.text("/tmp/app"), null);
  assert.deepEqual(world.lines, [["info", "rolled back 4 calls of app, outputs x,x"]]);
});
