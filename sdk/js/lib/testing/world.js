// The world of a test: what it has, what it answers, what it was asked, and its clock.

import { encode } from "../bytes.js";
import { Denied, NotFound, TimedOut, Unavailable } from "../errors.js";
import { use } from "../host.js";
import { Done } from "../done.js";
import { writeAnswer, writeRequest } from "../journal.js";
import { CAPABILITIES } from "../plugin.js";
import { randomFrom } from "../random.js";
import { Blobs, Files, Parameters } from "./memory.js";

// 2026-01-01T00:00:00Z, the moment at which a world begins.
const START = Date.UTC(2026, 0, 1);

/** The plugin made another call than the one that the journal has. */
export class NonDeterminism extends Error {
  name = "NonDeterminism";
}

/** The engine was stopped. A plugin that catches everything would catch this too: the world throws it again then. */
export class Stopped extends Error {
  name = "Stopped";
}

export function exitWith(exitCode = 0, stdout = "", stderr = "") {
  return { exitCode, signal: null, stdout, stderr, stdoutBlob: null, stderrBlob: null, durationMs: 5 };
}

export function respond(status = 200, body = "", headers = {}) {
  const isJson = typeof body !== "string" && !(body instanceof Uint8Array);
  const told = { ...(isJson && { "content-type": "application/json" }), ...headers };
  const sent = isJson ? JSON.stringify(body) : body;
  return {
    status,
    headers: Object.entries(told).map(([name, value]) => [name.toLowerCase(), value]),
    body: typeof sent === "string" ? encode(sent) : sent,
  };
}

export class World {
  lines = [];
  #now = START;
  #granted;
  #attachments;
  #globals;
  #answers = new Map();
  #queues = new Map();
  #refusals = new Map();
  #children = new Map();
  #journal = [];
  #position = 0;
  #stopAt = null;
  #fatal = null;
  #calls = [];

  constructor({ files = {}, parameters = {}, granted = CAPABILITIES, attachments = {}, globals = {} } = {}) {
    this.files = new Files(files, START);
    this.parameters = new Parameters(parameters, START);
    this.blobs = new Blobs();
    this.#granted = granted;
    this.#attachments = attachments;
    this.#globals = globals;
  }

  // What a test scripts.

  command(pattern, { exit = 0, stdout = "", stderr = "", times, answer } = {}) {
    return this.#script("commands.run", pattern, answer ?? exitWith(exit, stdout, stderr), times);
  }

  document(name, { status = "Success", stdout = "", times, answer } = {}) {
    const node = { node: "i-1", status, responseCode: 0, stdout, stderr: "" };
    const errors = status === "Success" ? 0 : 1;
    const end = { commandId: "command-1", status, details: status, targets: 1, errors, nodes: [node] };
    return this.#script("commands.run-document", name, answer ?? end, times);
  }

  http(pattern, { status = 200, body = "", headers = {}, times, answer } = {}) {
    return this.#script("http.send", pattern, answer ?? respond(status, body, headers), times);
  }

  aws(pattern, { status = 200, body = "", headers = {}, times, answer } = {}) {
    return this.#script("aws.send", pattern, answer ?? respond(status, body, headers), times);
  }

  probe(pattern, { afterMs = 0, comes = true } = {}) {
    return this.#script("waits.probe", pattern, { afterMs, comes });
  }

  decide({ approved = true, by = "kim", comment = null } = {}) {
    return this.#queue("approvals.request", { approved, by, comment });
  }

  signal(name, { payload = null, by = "kim", afterMs = 0 } = {}) {
    return this.#queue(`signal ${name}`, { payload, by, afterMs });
  }

  child(runbook, { status = "Success", outputs = {}, failure = null } = {}) {
    return this.#queue(`child ${runbook}`, { status, outputs, failure });
  }

  refuse(name, error) {
    this.#refusals.set(name, error);
    return this;
  }

  relent() {
    this.#refusals.clear();
    return this;
  }

  // What a test asks of it.

  get now() {
    return new Date(this.#now);
  }

  get recorded() {
    return [...this.#calls];
  }

  get functions() {
    return this.#calls.map((call) => call.function);
  }

  done(outputs = null) {
    return Done.of({ outputs: outputs === null ? null : JSON.stringify(outputs), calls: this.#calls });
  }

  // What the engine does.

  stopAt(call) {
    this.#stopAt = call;
    return this;
  }

  resume() {
    [this.#stopAt, this.#position, this.#now, this.#fatal] = [null, 0, START, null];
    return this;
  }

  /** A rollback has a journal of its own. Answers the calls so far, as it is told of them. */
  forgetJournal() {
    [this.#journal, this.#position] = [[], 0];
    return this.recorded;
  }

  answering(work, key = "runwright") {
    const [before, RealDate, realRandom] = [use(this), globalThis.Date, Math.random];
    const now = () => this.#now;
    globalThis.Date = new Proxy(RealDate, {
      construct: (target, given, type) => Reflect.construct(target, given.length > 0 ? given : [now()], type),
      apply: (target) => new target(now()).toString(),
      get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
    });
    Math.random = randomFrom(key);
    try {
      const value = work();
      if (this.#fatal) throw this.#fatal;
      return value;
    } catch (error) {
      throw this.#fatal ?? error;
    } finally {
      globalThis.Date = RealDate;
      Math.random = realRandom;
      use(before);
    }
  }

  call(name, request) {
    const text = writeRequest(name, request);
    const position = this.#position++;
    if (position < this.#journal.length) return this.#replayed(position, name, text);
    if (position === this.#stopAt) throw this.#end(new Stopped(name));
    let [answer, error] = [null, null];
    try {
      answer = this.#perform(name, request);
    } catch (refused) {
      if (typeof refused?.recorded !== "function") throw refused;
      error = refused;
    }
    this.#journal.push({ name, text, answer, error, now: this.#now });
    const outcome = error
      ? { tag: "err", val: JSON.stringify(error.recorded()) }
      : { tag: "ok", val: writeAnswer(name, answer) };
    this.#calls.push({ function: name, request: text, answer: outcome });
    if (error) throw error;
    return answer;
  }

  log(level, message) {
    this.lines.push([level, message]);
  }

  progress(done, total, message) {
    this.lines.push(["info", total ? `${done}/${total}: ${message}` : `${done}: ${message}`]);
  }

  attachment(name) {
    const found = this.#attachments[name] ?? null;
    return typeof found === "string" ? encode(found) : found;
  }

  globals() {
    return { REGION: "local", ACCOUNT_ID: "000000000000", AWS_PARTITION: "aws", ...this.#globals };
  }

  #end(error) {
    this.#fatal = error;
    return error;
  }

  #replayed(position, name, text) {
    const recorded = this.#journal[position];
    if (recorded.name !== name || recorded.text !== text) {
      const calls = `was ${recorded.name} ${recorded.text} before the crash, and is ${name} ${text} now`;
      const why = "a plugin makes the same calls when it is given the same answers";
      throw this.#end(new NonDeterminism(`call ${position} ${calls}: ${why}`));
    }
    this.#now = recorded.now;
    if (recorded.error) throw recorded.error;
    return recorded.answer;
  }

  #script(name, pattern, answer, times = Infinity) {
    const fits = new RegExp(`^${pattern.split("*").map(RegExp.escape ?? escaped).join(".*")}$`, "s");
    this.#answers.set(name, [...(this.#answers.get(name) ?? []), { fits, answer, times }]);
    return this;
  }

  #scripted(name, subject, request) {
    const entry = (this.#answers.get(name) ?? []).find(({ fits, times }) => times > 0 && fits.test(subject));
    if (!entry) throw new Unavailable(`the world of this test has no answer for \`${subject}\`: script one for ${name}`);
    entry.times--;
    return typeof entry.answer === "function" ? entry.answer(request) : entry.answer;
  }

  #queue(name, value) {
    this.#queues.set(name, [...(this.#queues.get(name) ?? []), value]);
    return this;
  }

  #next(name, what) {
    const [first, ...rest] = this.#queues.get(name) ?? [];
    if (first === undefined) throw new Unavailable(`the world of this test has no answer for ${what}: script one`);
    this.#queues.set(name, rest);
    return first;
  }

  #perform(name, request) {
    const [capability, rest] = name.split(".");
    if (!this.#granted.includes(capability)) throw new Denied(capability, `${capability}: true`);
    if (this.#refusals.has(name)) throw this.#refusals.get(name);
    const method = rest.replace(/-([a-z])/g, (_, letter) => letter.toUpperCase());
    const held = { files: this.files, parameters: this.parameters, blobs: this.blobs }[capability];
    return held ? held[method](this.#now, request) : this.#functions[name](request);
  }

  #functions = {
    "commands.run": ({ command }) => this.#scripted("commands.run", command.arguments.join(" "), command),
    "commands.run-document": ({ request }) => this.#scripted("commands.run-document", request.DocumentName ?? "", request),
    "http.send": (request) => this.#scripted("http.send", `${request.method} ${request.url}`, request),
    "aws.send": (request) => this.#scripted("aws.send", `${request.service} ${request.method} ${request.path}`, request),
    "approvals.request": ({ message }) => {
      const { approved, by, comment } = this.#next("approvals.request", `the question ${JSON.stringify(message)}`);
      return { approved, votes: [{ approver: by, approved, comment, at: this.#now }] };
    },
    "waits.sleep": ({ durationMs }) => {
      this.#now += durationMs;
    },
    "waits.sleep-until": ({ moment }) => {
      this.#now = Math.max(this.#now, moment);
    },
    "waits.signal": ({ name, deadline }) => {
      const { payload, by, afterMs } = this.#next(`signal ${name}`, `the signal \`${name}\``);
      this.#until(this.#now + afterMs, deadline, `the signal \`${name}\` did not come`);
      return { by, at: this.#now, payload };
    },
    "waits.probe": ({ probe, patience }) => {
      const began = this.#now;
      const { tcp, http, file, command } = probe;
      const subject = tcp ? `tcp ${tcp.host}:${tcp.port}` : http?.url ?? file?.path ?? command.arguments.join(" ");
      const { afterMs, comes } = this.#scripted("waits.probe", subject, probe);
      this.#until(comes ? began + afterMs : Infinity, patience.deadline, `\`${subject}\` did not come true`);
      const probes = 1 + Math.floor(afterMs / Math.max(1, patience.intervalMs));
      return { probes, waitedMs: this.#now - began };
    },
    "executions.start": ({ runbook }) => {
      const end = this.#next(`child ${runbook}`, `a child of the runbook \`${runbook}\``);
      const id = `00000000-0000-7000-8000-${String(this.#children.size + 1).padStart(12, "0")}`;
      this.#children.set(id, end);
      return id;
    },
    "executions.wait": ({ id }) => {
      if (!this.#children.has(id)) throw new NotFound(`there is no execution \`${id}\``);
      return this.#children.get(id);
    },
  };

  #until(moment, deadline, otherwise) {
    if (deadline !== null && moment > deadline) {
      this.#now = Math.max(this.#now, deadline);
      throw new TimedOut(`${otherwise} before the deadline`);
    }
    this.#now = moment;
  }
}

function escaped(text) {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
