// Shapes, plugins, failures and places.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Denied, Failure, LimitExceeded, Unavailable, definePlugin, s } from "../lib/index.js";
import { decode, encode, fromBase64, toBase64 } from "../lib/bytes.js";
import { errorOf, failureOf } from "../lib/errors.js";
import { places } from "../lib/places.js";
import { manifestOf, runJson } from "../lib/plugin.js";
import { read } from "../lib/schema.js";
import { context } from "../lib/testing/index.js";

const disk = s.object({ Device: s.string("Its name.").pattern(/^\/dev\//), SizeGib: s.integer().min(1).max(64).default(8) });

test("shapes are JSON Schema in the subset of the engine", () => {
  const all = s.object({
    Disks: s.list(disk, "At least one.").min(1),
    Tags: s.map(s.string()),
    Mode: s.oneOf(["fast", "slow"]).default("fast"),
    Either: s.union([s.integer(), s.boolean()]).optional(),
    Free: s.any().optional(),
    Name: s.string().max(9),
  });
  assert.deepEqual(all.json, {
    type: "object",
    properties: {
      Disks: {
        type: "array",
        description: "At least one.",
        minItems: 1,
        items: {
          type: "object",
          properties: {
            Device: { type: "string", description: "Its name.", pattern: "^\\/dev\\/" },
            SizeGib: { type: "integer", minimum: 1, maximum: 64, default: 8 },
          },
          additionalProperties: false,
          required: ["Device"],
        },
      },
      Tags: { type: "object", additionalProperties: { type: "string" } },
      Mode: { type: "string", enum: ["fast", "slow"], default: "fast" },
      Either: { anyOf: [{ type: "integer" }, { type: "boolean" }] },
      Free: {},
      Name: { type: "string", maxLength: 9 },
    },
    additionalProperties: false,
    required: ["Disks", "Tags", "Name"],
  });
  assert.throws(() => s.boolean().min(1), /has no smallest or largest/);
});

test("values are read, and defaults filled in", () => {
  assert.deepEqual(read(disk, { Device: "/dev/sda" }), { Device: "/dev/sda", SizeGib: 8 });
  const listed = s.object({ List: s.list(s.string()).default([]) });
  read(listed, {}).List.push("x");
  assert.deepEqual(read(listed, {}), { List: [] }, "one call does not see what another did to a default");
});

test("what does not fit names its place", () => {
  const whole = s.object({ Disks: s.list(disk), Tags: s.map(s.number()).optional(), Mode: s.oneOf(["a", 1]).optional() });
  const told = (value) => {
    try {
      read(whole, value);
    } catch (failure) {
      assert.equal(failure.kind, "invalid-input");
      return failure.message;
    }
    assert.fail("it fits");
  };
  assert.equal(told({ Disks: [{ Device: 7 }] }), "`Disks[0].Device` must be of type string, and is 7");
  assert.equal(told({ Disks: [{}] }), "`Disks[0].Device` is missing");
  assert.equal(told({ Discs: [] }), "`Discs` is unknown: there are Disks, Tags, Mode");
  assert.equal(told({ Disks: [], Tags: { a: "b" } }), '`Tags.a` must be of type number, and is "b"');
  assert.equal(told({ Disks: [], Mode: "b" }), '`Mode` must be one of "a", 1, and is "b"');
  assert.equal(told({ Disks: {} }), "`Disks` must be of type array, and is {}");
});

const greet = definePlugin({
  action: "acme:greet",
  version: "1.2.3",
  description: "Greets.",
  impact: "non-mutating",
  capabilities: { commands: "Says it." },
  inputs: { Name: s.string(), Times: s.integer().default(1) },
  outputs: { Greeting: s.string() },
  run: (given, { Name, Times }) => ({ Greeting: `${Name} ${Times} ${given.attempt} ${given.deadline?.getTime()}` }),
});

test("a plugin describes itself and runs from JSON to JSON", () => {
  const manifest = manifestOf(greet);
  assert.equal(manifest.rollback, false);
  assert.deepEqual(manifest.capabilities, [{ capability: "commands", why: "Says it." }]);
  assert.deepEqual(manifest.outputs.required, ["Greeting"]);
  const said = runJson(greet, { ...context(), deadline: 5 }, '{"Name": "Kim"}');
  assert.deepEqual(JSON.parse(said), { Greeting: "Kim 1 1 5" });
  assert.throws(() => runJson(greet, context(), "{}"), /inputs of acme:greet do not fit: `Name` is missing/);
});

test("mistakes of a plugin are found at once", () => {
  const usual = { action: "a:b", version: "1.0.0", description: "x", run() {} };
  assert.throws(() => definePlugin({ ...usual, description: "" }), /has no `description`/);
  assert.throws(() => definePlugin({ ...usual, impact: "huge" }), /is no impact/);
  assert.throws(() => definePlugin({ ...usual, capabilities: { filez: "x" } }), /no capability `filez`/);
  assert.throws(() => definePlugin({ ...usual, run: undefined }), /no function `run/);
  const later = definePlugin({ ...usual, run: async () => ({}) });
  assert.throws(() => runJson(later, context(), "{}"), /without `async`/);
});

test("errors of capabilities become failures", () => {
  const denied = failureOf(new Denied("files", "files.write: [/etc/motd]"));
  assert.deepEqual([denied.kind, denied.retryable], ["denied", false]);
  assert.match(denied.message, /add the grant `files.write: \[\/etc\/motd\]`/);
  assert.equal(failureOf(new Unavailable("gone")).retryable, true);
  for (const error of [new Denied("a", "b"), new LimitExceeded("c", 1, 2), new Unavailable("d")]) {
    const [[tag, value]] = Object.entries(error.recorded());
    assert.equal(errorOf(tag, value).message, error.message);
    assert.equal(errorOf(tag, value).constructor, error.constructor);
  }
});

test("whatever else is thrown says what and where", () => {
  const failure = failureOf(new RangeError("boom"), () => ["plugin.ts:3, in run"]);
  assert.equal(failure.message, "RangeError: boom\n  at plugin.ts:3, in run");
  assert.deepEqual(failure.details, { exception: "RangeError", traceback: ["plugin.ts:3, in run"] });
  assert.match(failureOf("text").message, /threw text, which is no error/);
  const meant = new Failure("verification", "x", { details: { a: 1 } });
  assert.equal(failureOf(meant), meant);
  assert.throws(() => new Failure("broken", "x"), /no kind of failure/);
});

test("places are those of the authors' files", () => {
  globalThis.runwrightLines = { sources: ["plugin.ts", "more.ts"], runs: [[10, 3, 0, 100], [13, 2, 1, 1]] };
  const stack = [
    "    at crashes (/build/x.bundle.js:11:9)",
    "    at <anonymous> (/build/x.bundle.js:14:1)",
    "    at guarded (/build/x.bundle.js:2:1)",
    "    at call (native)",
  ];
  assert.deepEqual(places(stack.join("\n")), ["plugin.ts:101, in crashes", "more.ts:2"]);
  delete globalThis.runwrightLines;
});

test("text and bytes without the help of the platform", () => {
  const texts = ["", "Grüße, 世界 🌍, \0, שלום", "x".repeat(10_000), "\ufeffx"];
  const invalid = [[0xff], [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x8c], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0x61, 0xf5, 0x62]];
  const expected = invalid.map((bytes) => Buffer.from(bytes).toString());
  const { TextEncoder, TextDecoder } = globalThis;
  try {
    delete globalThis.TextEncoder;
    delete globalThis.TextDecoder;
    for (const text of texts) {
      assert.deepEqual(Buffer.from(encode(text)), Buffer.from(text));
      assert.equal(decode(encode(text)), text);
    }
    assert.deepEqual([...encode("\ud800")], [0xef, 0xbf, 0xbd]);
    assert.deepEqual(invalid.map((bytes) => decode(Uint8Array.from(bytes))), expected);
  } finally {
    Object.assign(globalThis, { TextEncoder, TextDecoder });
  }
  const bytes = Uint8Array.from([0, 127, 128, 255]);
  assert.deepEqual(fromBase64(toBase64(bytes)), bytes);
});
