// Joins a plugin to the contract: the exports of a component, and its imports as a host. Only in a component.

import approvals from "runwright:plugin/approvals@0.1.0";
import aws from "runwright:plugin/aws@0.1.0";
import blobs from "runwright:plugin/blobs@0.1.0";
import commands from "runwright:plugin/commands@0.1.0";
import executions from "runwright:plugin/executions@0.1.0";
import files from "runwright:plugin/files@0.1.0";
import http from "runwright:plugin/http@0.1.0";
import log from "runwright:plugin/log@0.1.0";
import parameters from "runwright:plugin/parameters@0.1.0";
import step from "runwright:plugin/step@0.1.0";
import waits from "runwright:plugin/waits@0.1.0";

import { errorOf, failureOf } from "./errors.js";
import { furnish } from "./furnish.js";
import { use } from "./host.js";
import { places } from "./places.js";
import { manifestOf, rollbackJson, runJson } from "./plugin.js";
import { randomFrom } from "./random.js";

const TYPES = { String: "plain", StringList: "text-list", SecureString: "secure" };
const TYPE_NAMES = Object.fromEntries(Object.entries(TYPES).map(([name, tag]) => [tag, name]));

const CONDITIONS = {
  tcp: ({ host, port }) => [host, port],
  http: ({ url, status }) => [url, status],
  file: ({ path }) => path,
  command: (condition) => condition.arguments,
};

// Each function of the contract: from a request of `capabilities.js` to an answer for it.
const FUNCTIONS = {
  "commands.run": ({ on, command }) =>
    commands.run(on, { ...command, environment: Object.entries(command.environment) }),
  "commands.run-document": ({ request }) => commands.runDocument(JSON.stringify(request)),
  "files.read": ({ on, path }) => files.read(on, path),
  "files.write": ({ on, path, contents, options }) => files.write(on, path, contents, options),
  "files.stat": ({ on, path }) => files.stat(on, path),
  "files.list-directory": ({ on, path }) => files.listDirectory(on, path),
  "files.make-directory": ({ on, path, mode }) => files.makeDirectory(on, path, mode),
  "files.link": ({ on, path, pointsTo }) => files.link(on, path, pointsTo),
  "files.remove": ({ on, path }) => files.remove(on, path),
  "files.snapshot": ({ on, path }) => files.snapshot(on, path),
  "files.restore": ({ on, snapshot }) => files.restore(on, snapshot),
  "http.send": (request) => http.send(request),
  "aws.send": (request) => aws.send(request),
  "parameters.get": ({ name }) => parameter(parameters.get(name)),
  "parameters.get-by-path": ({ path, recursive }) => parameters.getByPath(path, recursive).map(parameter),
  "parameters.put": ({ name, parameterType, value, overwrite }) =>
    parameter(parameters.put(name, TYPES[parameterType], variant(value), overwrite)),
  "parameters.delete": ({ name }) => parameters["delete"](name),
  "parameters.history": ({ name }) => parameters.history(name).map(parameter),
  "parameters.label": ({ name, version, label }) => parameters.label(name, version, label),
  "parameters.reveal": ({ placeholder }) => parameters.reveal(placeholder),
  "approvals.request": (question) => approvals.request(question),
  "waits.sleep": ({ durationMs }) => waits.sleep(durationMs),
  "waits.sleep-until": ({ moment }) => waits.sleepUntil(moment),
  "waits.signal": ({ name, deadline }) => {
    const received = waits.signal(name, deadline);
    return { ...received, payload: JSON.parse(received.payload) };
  },
  "waits.probe": ({ on, probe, patience }) => {
    const { tag, val } = variant(probe);
    return waits.probe(on, { tag, val: CONDITIONS[tag](val) }, patience);
  },
  "blobs.put": ({ contents }) => blobs.put(contents),
  "blobs.get": ({ name, offset, length }) => blobs.get(name, offset, length),
  "blobs.size": ({ name }) => blobs.size(name),
  "executions.start": ({ runbook, parameters: given }) =>
    executions.start({ runbook, parameters: JSON.stringify(given) }),
  "executions.wait": ({ id }) => {
    const outcome = executions.wait(id);
    return { ...outcome, outputs: JSON.parse(outcome.outputs) };
  },
};

function variant(value) {
  const [[tag, val]] = Object.entries(value);
  return { tag, val };
}

function parameter(value) {
  return { ...value, parameterType: TYPE_NAMES[value.parameterType] };
}

// The text as the host takes it: half a pair of surrogates would end the instance.
function plain(text) {
  return text.replace(/[\ud800-\udfff]/gu, "\ufffd");
}

const imports = {
  call(name, request) {
    try {
      return FUNCTIONS[name](request);
    } catch (refused) {
      const error = refused?.payload ?? refused;
      throw typeof error?.tag === "string" ? errorOf(error.tag, error.val) : refused;
    }
  },
  log: (level, message) => log.write(level, plain(message)),
  progress: (done, total, message) => log.progress(done, total, plain(message)),
  attachment: (name) => step.attachment(name),
  globals: () => Object.fromEntries(step.globals()),
};

// Calls it, with whatever is thrown as a failure of the contract.
function guarded(context, work) {
  Math.random = randomFrom(context.idempotencyKey);
  try {
    return work();
  } catch (thrown) {
    const { kind, message, retryable, details } = failureOf(thrown, places);
    throw { kind, message: plain(message), retryable, details: details === null ? null : JSON.stringify(details) };
  }
}

/** What the engine calls. */
export function exportsOf(plugin) {
  use(imports);
  return {
    describe() {
      const manifest = manifestOf(plugin);
      return { ...manifest, inputs: JSON.stringify(manifest.inputs), outputs: JSON.stringify(manifest.outputs) };
    },
    run: (context, inputs) => guarded(context, () => runJson(plugin, context, inputs)),
    rollback: (context, inputs, done) => guarded(context, () => rollbackJson(plugin, context, inputs, done)),
  };
}

furnish(places);
