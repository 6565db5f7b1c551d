// A world that only answers, for unit tests of plugins in Node: no engine, no WebAssembly. See index.d.ts.

import { failureOf } from "../errors.js";
import { rollbackJson, runJson } from "../plugin.js";
import { read } from "../schema.js";
import { NonDeterminism, Stopped, World, exitWith, respond } from "./world.js";

export { NonDeterminism, World, exitWith, respond };

export function context(given = {}) {
  return {
    executionId: "execution-1",
    step: "step",
    visit: 1,
    attempt: 1,
    idempotencyKey: "00000000-0000-7000-8000-000000000001",
    deadline: null,
    traceParent: null,
    ...given,
  };
}

export function run(plugin, inputs, world = new World(), inContext = context()) {
  const text = world.answering(() => runJson(plugin, inContext, JSON.stringify(inputs)), inContext.idempotencyKey);
  const outputs = JSON.parse(text);
  // What the schema does not describe the engine would refuse; defaults are for people, and not filled in.
  read(plugin.outputs, outputs);
  return outputs;
}

export function rollback(plugin, inputs, world, outputs = null, inContext = context()) {
  const done = { outputs: outputs === null ? null : JSON.stringify(outputs), calls: world.forgetJournal() };
  const key = `${inContext.idempotencyKey}/rollback`;
  world.answering(() => rollbackJson(plugin, inContext, JSON.stringify(inputs), done), key);
}

export function crashEverywhere(plugin, inputs, make, inContext = context()) {
  const world = make();
  const expected = outcome(plugin, inputs, world, inContext);
  const calls = world.recorded;
  for (let stop = 0; stop <= calls.length; stop++) {
    const other = make().stopAt(stop);
    try {
      outcome(plugin, inputs, other, inContext);
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
    }
    const found = outcome(plugin, inputs, other.resume(), inContext);
    const where = stop < calls.length ? `stopped at call ${stop}, ${calls[stop].function}` : "stopped after the last call";
    checkCalls(where, other.recorded, calls);
    if (JSON.stringify(found) !== JSON.stringify(expected)) {
      const [now, before] = [found, expected].map((each) => JSON.stringify(each));
      throw new Error(`${where}: ended with ${now}, and without the stop with ${before}`);
    }
  }
  return expected;
}

// The outputs, or how it failed.
function outcome(plugin, inputs, world, inContext) {
  try {
    return { outputs: run(plugin, inputs, world, inContext) };
  } catch (error) {
    if (error instanceof Stopped || error instanceof NonDeterminism) throw error;
    const { kind, message } = failureOf(error);
    return { failure: { kind, message: message.split("\n")[0] } };
  }
}

// Throws at the first call that is another one.
function checkCalls(where, found, expected) {
  const told = (call) => (call ? `${call.function} ${call.request}` : "no call");
  for (let number = 0; number < Math.max(found.length, expected.length); number++) {
    const [now, before] = [told(found[number]), told(expected[number])];
    if (now !== before) {
      throw new NonDeterminism(`${where}: call ${number} is ${now}, and without the stop ${before}`);
    }
  }
}
