// `rw:script`: runs a script in JavaScript. The whole of the component but for QuickJS and the bindings.
//
// The script is evaluated as it stands, so the lines of its errors are its own. It sees the standard library of the
// language, `console`, `sleep` and `fail`; there are no files, no network, no modules and no timers.

import log from "runwright:plugin/log@0.1.0";
import step from "runwright:plugin/step@0.1.0";
import waits from "runwright:plugin/waits@0.1.0";
// Written from actions.json when the component is built.
import actions from "./actions.js";

const PAYLOAD_BYTES_MAX = 100 * 1024;
const LINE_CHARACTERS_MAX = 8 * 1024;

export const action = { describe, run, rollback };

function describe() {
  const [manifest] = actions;
  return {
    ...manifest,
    inputs: JSON.stringify(manifest.inputs),
    outputs: JSON.stringify(manifest.outputs),
    impact: manifest.impact.replace(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase(),
  };
}

function run(context, inputs) {
  const { Script: script, Handler: name = "handler", InputPayload: payload = {} } = JSON.parse(inputs);
  furnish(context);
  const handler = load(script, name);
  let returned;
  try {
    returned = handler(payload, stepContext(context));
  } catch (error) {
    throw ofScript(error);
  }
  if (typeof returned?.then === "function") {
    throw failure("invalid-input", `\`${name}\` returned a promise: nothing happens later here. Write it without \`async\`.`);
  }
  const result = asJson(returned, name);
  return `{"OutputPayload":{"Payload":${result}}${returned == null ? "" : `,"Payload":${result}`}}`;
}

function rollback() {}

// What the handler gets as its second argument.
function stepContext(context) {
  const world = Object.fromEntries(step.globals());
  return {
    "automation:EXECUTION_ID": context.executionId,
    "global:REGION": world.REGION ?? "",
    "global:ACCOUNT_ID": world.ACCOUNT_ID ?? "",
    "global:AWS_PARTITION": world.AWS_PARTITION ?? "aws",
  };
}

// Evaluates the script and answers its function. An indirect evaluation: the script sees nothing of this file.
function load(script, name) {
  if (!/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)) {
    throw failure("invalid-input", `\`Handler\` is the name of a function, and \`${name}\` cannot be one.`);
  }
  let handler;
  try {
    handler = (0, eval)(`${script}\n;typeof ${name} === "undefined" ? undefined : ${name}`);
  } catch (error) {
    throw ofScript(error);
  }
  if (typeof handler !== "function") {
    throw failure("invalid-input", `The script has no function \`${name}\`, which \`Handler\` names.`);
  }
  return handler;
}

// What scripts find beside the language.
function furnish(context) {
  // The bindings' own: they have found it by now.
  delete globalThis.wit;
  delete globalThis.__cqjs;
  const line = (level) => (...values) => write(level, values.map(shown).join(" "));
  globalThis.console = {
    debug: line("debug"),
    log: line("info"),
    info: line("info"),
    warn: line("warn"),
    error: line("error"),
  };
  globalThis.sleep = (seconds) => {
    const ms = Math.round(Number(seconds) * 1000);
    if (!(ms >= 0 && ms <= Number.MAX_SAFE_INTEGER)) {
      throw new RangeError(`sleep takes seconds, and not ${shown(seconds)}`);
    }
    try {
      waits.sleep(ms);
    } catch (refused) {
      throw failure("failed", `sleep was refused: ${shown(refused.payload ?? refused)}`);
    }
  };
  globalThis.fail = (message) => {
    throw failure("failed", String(message));
  };
  Math.random = randomFrom(context.idempotencyKey);
}

function write(level, text) {
  for (const one of text.split("\n")) {
    log.write(level, one.slice(0, LINE_CHARACTERS_MAX));
  }
}

function shown(value) {
  if (typeof value === "string") return value;
  if (value instanceof Error) return `${value}`;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

// The same numbers when the attempt runs again, and others in every other attempt. QuickJS's own would be the same in
// all executions, because its seed is part of the component. (FNV-1a seeds sfc32.)
function randomFrom(key) {
  const seeds = [0x811c9dc5, 0x9e3779b9, 0x243f6a88, 0xb7e15162].map((seed) => {
    for (const character of key) {
      seed = Math.imul(seed ^ character.codePointAt(0), 0x01000193);
    }
    return seed;
  });
  let [a, b, c, d] = seeds;
  const next = () => {
    const t = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };
  for (let i = 0; i < 12; i++) next();
  return () => (next() * 0x200000 + (next() >>> 11)) / 0x20000000000000;
}

function asJson(value, name) {
  let text;
  try {
    text = JSON.stringify(value ?? null);
  } catch (error) {
    throw failure("failed", `What \`${name}\` returned cannot be written as JSON: ${error.message}.`);
  }
  if (text === undefined) {
    throw failure("failed", `What \`${name}\` returned cannot be written as JSON: it is a ${typeof value}.`);
  }
  // A character takes at most three bytes.
  const bytes = text.length * 3 <= PAYLOAD_BYTES_MAX ? 0 : byteLength(text);
  if (bytes > PAYLOAD_BYTES_MAX) {
    const kept = "Return less, or keep it in a parameter.";
    throw failure("limit-exceeded", `\`${name}\` returned ${bytes} bytes of JSON, where ${PAYLOAD_BYTES_MAX} are allowed. ${kept}`);
  }
  return text;
}

function byteLength(text) {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0);
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}

// A failure as the contract has it. Scripts cannot make one but with `fail`.
class StepFailure {
  retryable = false;
  details = null;

  constructor(kind, message) {
    this.kind = kind;
    this.message = message;
  }
}

function failure(kind, message) {
  return new StepFailure(kind, message);
}

// What went wrong in a script, with the script's own lines.
function ofScript(error) {
  if (error instanceof StepFailure) {
    return error;
  }
  if (!(error instanceof Error)) {
    return failure("failed", `The script threw ${shown(error)}.`);
  }
  const places = (error.stack ?? "").split("\n").filter((line) => line.includes(EVALUATED));
  const where = places.map((line) => `\n${line.replaceAll(EVALUATED, "script.js").trimEnd()}`).join("");
  return failure(error instanceof SyntaxError ? "invalid-input" : "failed", `${error.name}: ${error.message}${where}`);
}

// What QuickJS calls the text of an evaluation.
const EVALUATED = "<input>";
