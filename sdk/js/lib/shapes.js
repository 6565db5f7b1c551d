// What capabilities answer, as authors get it: moments as dates, and a few questions that everybody asks.

import { decode } from "./bytes.js";
import { Failure } from "./errors.js";

// How much of what a command wrote a failure shows.
const LAST_WORDS_MAX = 500;
/** Values of authors and of other systems: their names are not ours to change. */
export const OPAQUE = ["environment", "parameters", "payload", "outputs", "request"];
const MOMENTS = ["modified", "at"];

/** How a command ended. */
class Completed {
  constructor(fields) {
    Object.assign(this, fields);
  }

  get ok() {
    return this.exitCode === 0;
  }

  get how() {
    return this.exitCode !== null ? `exit code ${this.exitCode}` : `signal ${this.signal}`;
  }

  get lastWords() {
    const said = this.stderr.trim() || this.stdout.trim();
    return said.length <= LAST_WORDS_MAX ? said : `…${said.slice(-LAST_WORDS_MAX)}`;
  }

  check(doing = "the command") {
    if (this.ok) return this;
    throw new Failure("failed", `${doing} ended with ${this.how}: ${this.lastWords || "it wrote nothing"}`);
  }
}

/** An answer to a request. */
class Response {
  constructor(fields) {
    Object.assign(this, fields);
  }

  get ok() {
    return this.status >= 200 && this.status < 300;
  }

  get text() {
    return decode(this.body);
  }

  json() {
    return JSON.parse(this.text);
  }

  header(name) {
    return this.headers.find(([known]) => known.toLowerCase() === name.toLowerCase())?.[1] ?? null;
  }
}

const TYPES = { "commands.run": Completed, "http.send": Response, "aws.send": Response };

/** The answer of a function. */
export function answerOf(name, value) {
  const Type = TYPES[name];
  return Type ? new Type(value) : dated(value);
}

function dated(value) {
  if (Array.isArray(value)) return value.map(dated);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  const change = (name, item) => {
    if (MOMENTS.includes(name)) return new Date(item);
    return OPAQUE.includes(name) ? item : dated(item);
  };
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, change(name, item)]));
}

/** A moment in milliseconds: of a date, or of milliseconds; null stays. */
export function millis(moment) {
  return moment === null || moment === undefined ? null : Number(moment);
}
