// Calls in the form that the journal keeps them, which is the form a rollback reads.

import { fromBase64, toBase64 } from "./bytes.js";
import { OPAQUE, answerOf } from "./shapes.js";

// Capabilities with one function, whose requests and answers have no name of their own.
const ONE_FUNCTION = ["http", "approvals", "aws"];
// What an answer is called. Functions that are not here answer nothing.
const ANSWERS = {
  "commands.run": "completed",
  "commands.run-document": "document",
  "files.read": "contents",
  "files.stat": "stat",
  "files.list-directory": "names",
  "files.snapshot": "snapshot",
  "parameters.get": "parameter",
  "parameters.put": "parameter",
  "parameters.get-by-path": "parameters",
  "parameters.history": "parameters",
  "parameters.reveal": "revealed",
  "waits.signal": "signal",
  "waits.probe": "probed",
  "blobs.put": "name",
  "blobs.get": "contents",
  "blobs.size": "size",
  "executions.start": "started",
  "executions.wait": "ended",
};

/** A request as JSON text. */
export function writeRequest(name, request) {
  const [capability, rest] = name.split(".");
  const inner = snake(request);
  return JSON.stringify({ [capability]: ONE_FUNCTION.includes(capability) ? inner : { [rest]: inner } });
}

/** An answer as JSON text. */
export function writeAnswer(name, answer) {
  const [capability] = name.split(".");
  if (ONE_FUNCTION.includes(capability)) return JSON.stringify({ [capability]: snake(answer) });
  const called = ANSWERS[name];
  return JSON.stringify(called === undefined ? "done" : { [capability]: { [called]: snake(answer) } });
}

/** The request of such a text. Bytes stay in base64: only answers are handed on. */
export function readRequest(name, text) {
  return camel(unwrapped(name, JSON.parse(text)));
}

/** The answer of such a text, as the function itself answers it. */
export function readAnswer(name, text) {
  const value = JSON.parse(text);
  if (value === "done") return null;
  const inner = unwrapped(name, value);
  if (name === "files.read" || name === "blobs.get") return fromBase64(inner);
  if (name === "http.send" || name === "aws.send") return answerOf(name, { ...inner, body: fromBase64(inner.body) });
  return answerOf(name, camel(inner));
}

function unwrapped(name, value) {
  const [inner] = Object.values(value);
  return ONE_FUNCTION.includes(name.split(".")[0]) ? inner : Object.values(inner)[0];
}

function renamed(value, rename, bytes) {
  if (value instanceof Uint8Array) return bytes(value);
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename, bytes));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.map(([name, item]) => [rename(name), OPAQUE.includes(name) ? item : renamed(item, rename, bytes)]),
  );
}

function snake(value) {
  return renamed(value, (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), toBase64);
}

function camel(value) {
  return renamed(value, (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase()), (bytes) => bytes);
}
