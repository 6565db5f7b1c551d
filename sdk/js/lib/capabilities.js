// The capabilities: one object for each interface of wit/, with the names of the contract in camel case.
//
// What each function takes and answers stands in index.d.ts.

import { bytesOf, decode } from "./bytes.js";
import { shown } from "./errors.js";
import { current } from "./host.js";
import { answerOf, millis } from "./shapes.js";

// How much one call reads of a blob.
const PART_BYTES_MAX = 8 * 1024 * 1024;

function call(name, request) {
  return answerOf(name, current().call(name, request));
}

function pairs(headers) {
  return Array.isArray(headers) ? headers : Object.entries(headers ?? {});
}

export const commands = {
  run(args, options = {}) {
    const { on = null, script = null, stdin, environment = {} } = options;
    const { workingDirectory = null, runAs = null, timeoutMs = null } = options;
    const command = {
      arguments: args.map(String),
      script,
      stdin: bytesOf(stdin),
      environment,
      workingDirectory,
      runAs,
      timeoutMs,
    };
    return call("commands.run", { on, command });
  },
  script(text, options = {}) {
    const [, program, argument] = text.match(/^#!\s*(\S+)[ \t]*(.*)/) ?? [null, "/bin/sh", ""];
    return commands.run([program, argument.trim()].filter(Boolean), { ...options, script: text });
  },
  runDocument: (request) => call("commands.run-document", { request }),
};

export const files = {
  read: (path, { on = null } = {}) => call("files.read", { on, path }),
  readText: (path, options) => decode(files.read(path, options)),
  write(path, contents, { mode = null, owner = null, group = null, parents = false, on = null } = {}) {
    call("files.write", { on, path, contents: bytesOf(contents), options: { mode, owner, group, parents } });
  },
  stat: (path, { on = null } = {}) => call("files.stat", { on, path }),
  listDirectory: (path, { on = null } = {}) => call("files.list-directory", { on, path }),
  makeDirectory(path, { mode = null, on = null } = {}) {
    call("files.make-directory", { on, path, mode });
  },
  link(path, pointsTo, { on = null } = {}) {
    call("files.link", { on, path, pointsTo });
  },
  remove(path, { on = null } = {}) {
    call("files.remove", { on, path });
  },
  snapshot: (path, { on = null } = {}) => call("files.snapshot", { on, path }),
  restore({ path, before, contents }, { on = null } = {}) {
    const facts = before && { ...before, modified: millis(before.modified) };
    call("files.restore", { on, snapshot: { path, before: facts, contents } });
  },
};

export const http = {
  send(method, url, options = {}) {
    const { headers, body, json, timeoutMs = null, redirects = 0 } = options;
    const sent = json === undefined ? body : JSON.stringify(json);
    const told = pairs(headers).concat(json === undefined ? [] : [["content-type", "application/json"]]);
    return call("http.send", { method, url, headers: told, body: bytesOf(sent), timeoutMs, redirects });
  },
  get: (url, options) => http.send("GET", url, options),
  post: (url, options) => http.send("POST", url, options),
};

export const parameters = {
  get: (name) => call("parameters.get", { name }),
  getByPath: (path, { recursive = false } = {}) => call("parameters.get-by-path", { path, recursive }),
  put: (name, value, { parameterType = "String", overwrite = true } = {}) =>
    call("parameters.put", { name, parameterType, value: { given: value }, overwrite }),
  generate: (name, characters, { parameterType = "SecureString", overwrite = true } = {}) =>
    call("parameters.put", { name, parameterType, value: { generated: characters }, overwrite }),
  delete(name) {
    call("parameters.delete", { name });
  },
  history: (name) => call("parameters.history", { name }),
  label(name, version, label) {
    call("parameters.label", { name, version, label });
  },
  reveal: (placeholder) => call("parameters.reveal", { placeholder }),
};

export const approvals = {
  request: (message, { approvers = ["*"], quorum = 1, deadline } = {}) =>
    call("approvals.request", { message, approvers, quorum, deadline: millis(deadline) }),
};

export const waits = {
  sleep(ms) {
    call("waits.sleep", { durationMs: Math.round(ms) });
  },
  sleepUntil(moment) {
    call("waits.sleep-until", { moment: millis(moment) });
  },
  signal: (name, { deadline } = {}) => call("waits.signal", { name, deadline: millis(deadline) }),
  probe(probe, { deadline, intervalMs = 1000, backoff = 1, maxIntervalMs = 60_000, on = null }) {
    const patience = { deadline: millis(deadline), intervalMs, backoffPercent: Math.round(backoff * 100), maxIntervalMs };
    return call("waits.probe", { on, probe, patience });
  },
  tcp: (host, port) => ({ tcp: { host, port } }),
  http: (url, status = null) => ({ http: { url, status } }),
  file: (path) => ({ file: { path } }),
  command: (...args) => ({ command: { arguments: args.map(String) } }),
};

export const blobs = {
  put: (contents) => call("blobs.put", { contents: bytesOf(contents) }),
  get: (name, { offset = 0, length = PART_BYTES_MAX } = {}) => call("blobs.get", { name, offset, length }),
  size: (name) => call("blobs.size", { name }),
  read(name) {
    const whole = new Uint8Array(blobs.size(name));
    for (let at = 0; at < whole.length; ) {
      const part = blobs.get(name, { offset: at });
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  },
  readText: (name) => decode(blobs.read(name)),
};

export const executions = {
  start: (runbook, parameters = {}) => call("executions.start", { runbook, parameters }),
  wait: (id) => call("executions.wait", { id }),
  run: (runbook, parameters) => executions.wait(executions.start(runbook, parameters)),
};

export const aws = {
  send(service, method, path, options = {}) {
    const { headers, body = "", region = null, host = null, credentials = null, timeoutMs = null } = options;
    const told = { headers: pairs(headers), body: bytesOf(body), credentials, timeoutMs };
    return call("aws.send", { service, region, host, method, path, ...told });
  },
};

export const step = {
  attachment: (name) => current().attachment(name),
  globals: () => current().globals(),
};

// A value that needs no quotes.
const WORD = /^[\w.:/@+-]+$/;

function line(level) {
  return (message, fields = {}) => {
    const named = Object.entries(fields).map(([name, value]) => {
      const text = typeof value === "string" && WORD.test(value) ? value : JSON.stringify(value) ?? String(value);
      return ` ${name}=${text}`;
    });
    current().log(level, shown(message) + named.join(""));
  };
}

export const log = {
  debug: line("debug"),
  info: line("info"),
  warn: line("warn"),
  error: line("error"),
  progress(done, total = 0, message = "") {
    current().progress(done, total, message);
  },
};
