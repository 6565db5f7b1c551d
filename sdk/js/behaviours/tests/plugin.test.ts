// Every case of the suite goes on after a crash at each of its calls.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Denied } from "runwright";
import { World, crashEverywhere, exitWith, rollback, run } from "runwright/testing";

import plugin from "../plugin.ts";

const refused = (command: { arguments: string[] }): never => {
  throw new Denied("commands", `commands: [${command.arguments[0]}]`);
};

const world = () =>
  new World({ parameters: { "/behaviours/secret": { secure: "x" } } })
    .command("reboot", { answer: refused })
    .command("*", { answer: (command) => exitWith(0, command.arguments.at(-1)) })
    .http("GET *", { status: 201, body: "hello" })
    .decide()
    .signal("go", { payload: [1] })
    .child("text");

const ends: { [name: string]: unknown } = {
  echo: "echo",
  absent: "given",
  command: { exit: 0, stdout: "-s" },
  denied: "commands: [reboot]",
  files: { text: "note", size: 4, gone: true },
  parameters: "one",
  secret: "((secret:/behaviours/secret:1))",
  http: { status: 201, body: "hello" },
  blobs: "text",
  approval: { approved: true, by: "kim" },
  sleep: 7200,
  signal: [1],
  child: "Success",
  rollback: "kept",
  logs: "logged",
  large: 4,
  unicode: { text: "text", length: 4 },
};

for (const [Case, expected] of Object.entries(ends)) {
  test(Case, () => {
    const { outputs } = crashEverywhere(plugin, { Case, Text: "text" }, world);
    assert.deepEqual(outputs?.Result, expected);
  });
}

test("replay", () => {
  const { outputs } = crashEverywhere(plugin, { Case: "replay" }, world);
  const { stdouts, random } = outputs?.Result as { stdouts: string[]; random: number };
  assert.deepEqual(stdouts, Array(3).fill(String(random)));
});

const fails = { invalid: "invalid-input", fails: "failed", crashes: "failed", none: "invalid-input" };

for (const [Case, kind] of Object.entries(fails)) {
  test(`${Case} fails`, () => {
    assert.equal(crashEverywhere(plugin, { Case }, world).failure?.kind, kind);
  });
}

test("the rollback removes what was kept", () => {
  const here = world();
  const outputs = run(plugin, { Case: "rollback" }, here);
  assert.equal(here.files.text("/tmp/behaviours/kept"), "kept");
  rollback(plugin, { Case: "rollback" }, here, outputs);
  assert.equal(here.files.text("/tmp/behaviours/kept"), null);
  assert.deepEqual(here.lines, [["info", "rolled back 1 calls"]]);
});
