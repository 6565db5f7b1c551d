// What an author writes, checked, and called from JSON to JSON as the engine calls it.

import { Failure } from "./errors.js";
import { Done } from "./done.js";
import { read, s } from "./schema.js";

export const CAPABILITIES = ["commands", "files", "http", "parameters", "approvals", "waits", "blobs", "executions", "aws"];
const IMPACTS = ["mutating", "non-mutating", "undetermined"];

export function definePlugin(definition) {
  const { action, description, impact = "mutating", capabilities = {} } = definition;
  const mistake = (text) => new TypeError(`${action}: ${text}`);
  if (!description) throw mistake("has no `description`: say what a step with this action does");
  if (!IMPACTS.includes(impact)) throw mistake(`\`${impact}\` is no impact; there are ${IMPACTS.join(", ")}`);
  const unknown = Object.keys(capabilities).find((name) => !CAPABILITIES.includes(name));
  if (unknown) throw mistake(`there is no capability \`${unknown}\`; there are ${CAPABILITIES.join(", ")}`);
  if (typeof definition.run !== "function") throw mistake("has no function `run(context, inputs)`");
  const [inputs, outputs] = [s.object(definition.inputs ?? {}), s.object(definition.outputs ?? {})];
  return Object.freeze({ ...definition, impact, capabilities, inputs, outputs });
}

/** What a plugin says of itself, with schemas as values. */
export function manifestOf(plugin) {
  return {
    action: plugin.action,
    version: plugin.version,
    description: plugin.description,
    inputs: plugin.inputs.json,
    outputs: plugin.outputs.json,
    capabilities: Object.entries(plugin.capabilities).map(([capability, why]) => ({ capability, why })),
    rollback: plugin.rollback !== undefined,
    impact: plugin.impact,
  };
}

/** Runs from JSON text to JSON text. `told`: the context as the contract has it. */
export function runJson(plugin, told, inputs) {
  const outputs = atOnce(plugin.run(contextOf(told), inputsOf(plugin, inputs)), "run");
  try {
    return JSON.stringify(outputs ?? {});
  } catch (error) {
    throw new Failure("failed", `the step ended, but its outputs cannot be written as JSON: ${error.message}`);
  }
}

/** Rolls back. `done`: as the contract has it. */
export function rollbackJson(plugin, told, inputs, done) {
  if (plugin.rollback) {
    atOnce(plugin.rollback(contextOf(told), inputsOf(plugin, inputs), Done.of(done)), "rollback");
  }
}

function inputsOf(plugin, text) {
  try {
    return read(plugin.inputs, JSON.parse(text));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure("invalid-input", `the inputs of ${plugin.action} do not fit: ${error.message}`);
  }
}

function contextOf(told) {
  const deadline = told.deadline == null ? null : new Date(told.deadline);
  return Object.freeze({ ...told, deadline, traceParent: told.traceParent ?? null });
}

function atOnce(value, name) {
  if (typeof value?.then === "function") {
    const message = `\`${name}\` returned a promise, and nothing happens later here: write it without \`async\``;
    throw new Failure("failed", message, { retryable: false });
  }
  return value;
}
