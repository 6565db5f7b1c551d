// The plugin in a world that only answers: no engine, no WebAssembly. `npm test` runs it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Denied } from "runwright";
import { World, crashEverywhere, rollback, run } from "runwright/testing";

import plugin from "../plugin.js";

const Path = "/tmp/{{name}}.txt";
const world = () => new World({ files: { [Path]: "before" } }).command("uname -n", { stdout: "box\n" });

test("it greets", () => {
  const here = world();
  assert.equal(run(plugin, { Path }, here).Text, "Hello from box");
  assert.equal(here.files.text(Path), "Hello from box\n");
});

test("an empty greeting is refused", () => {
  assert.throws(() => run(plugin, { Path, Greeting: " " }, world()), { kind: "invalid-input" });
});

test("a denial leaves everything as it was", () => {
  const here = world().refuse("files.write", new Denied("files", `files.write: [${Path}]`));
  assert.throws(() => run(plugin, { Path }, here), Denied);
  assert.equal(here.files.text(Path), "before");
});

test("the rollback puts back what was there", () => {
  const here = world();
  const outputs = run(plugin, { Path }, here);
  rollback(plugin, { Path }, here, outputs);
  assert.equal(here.files.text(Path), "before");
});

test("it goes on after a crash at every call", () => {
  const { outputs } = crashEverywhere(plugin, { Path }, world);
  assert.deepEqual(outputs, { Text: "Hello from box" });
});
