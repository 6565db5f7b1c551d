/**
 * Write a Runwright plugin in JavaScript or TypeScript.
 *
 * A plugin provides one action of the runbook language. Its file has it as its default export:
 *
 * ```ts
 * import { commands, definePlugin, s } from "runwright";
 *
 * export default definePlugin({
 *   action: "acme:serviceStatus",
 *   version: "1.0.0",
 *   description: "Asks systemd whether a service is active.",
 *   impact: "non-mutating",
 *   capabilities: { commands: "Runs `systemctl is-active`." },
 *   inputs: { Service: s.string("The unit's name.") },
 *   outputs: { Active: s.boolean("Whether it is active.") },
 *   run(context, inputs) {
 *     return { Active: commands.run(["systemctl", "is-active", inputs.Service]).ok };
 *   },
 * });
 * ```
 *
 * Nothing is asynchronous: a call of a capability returns when it is answered, and while it waits no instance exists.
 */

// Shapes.

type Presence = "required" | "optional" | "default";

/** A shape of a value: JSON Schema for the engine, and the type `T`. Each of its functions answers another one. */
export interface Shape<T, P extends Presence = "required"> {
  /** The JSON Schema. */
  readonly json: { readonly [keyword: string]: unknown };
  readonly presence: P;
  /** It may be left out; then it is `undefined`. */
  optional(): Shape<T, "optional">;
  /** It may be left out; then it is this. */
  default(value: T): Shape<T, "default">;
  /** The smallest number, the fewest characters, the fewest items. */
  min(least: number): Shape<T, P>;
  /** The largest number, the most characters, the most items. */
  max(most: number): Shape<T, P>;
  /** A regular expression found in the text. For editors: check it yourself. */
  pattern(pattern: RegExp | string): Shape<T, P>;
  /** Never there: it carries the type. */
  readonly __type?: T;
}

/** The inputs or outputs of a plugin: name to shape. */
export interface Fields {
  readonly [name: string]: Shape<any, Presence>;
}

type Flat<T> = { [K in keyof T]: T[K] } & {};
type TypeOf<S> = S extends Shape<infer T, any> ? T : never;
type NamesOf<F extends Fields, P extends Presence> = {
  [K in keyof F]: F[K] extends Shape<any, infer Q> ? (Q extends P ? K : never) : never;
}[keyof F];

/** The values that `run` sees: defaults are filled in. */
export type Infer<F extends Fields> = Flat<
  { [K in NamesOf<F, "required" | "default">]: TypeOf<F[K]> } & { [K in NamesOf<F, "optional">]?: TypeOf<F[K]> }
>;

/** The values that somebody gives: what has a default may be left out. */
export type Given<F extends Fields> = Flat<
  { [K in NamesOf<F, "required">]: TypeOf<F[K]> } & { [K in NamesOf<F, "optional" | "default">]?: TypeOf<F[K]> }
>;

/** A value as JSON has it. */
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** The shapes. `description` is what authors of runbooks see. */
export const s: {
  string(description?: string): Shape<string>;
  /** A whole number. */
  integer(description?: string): Shape<number>;
  number(description?: string): Shape<number>;
  boolean(description?: string): Shape<boolean>;
  any(description?: string): Shape<Json>;
  /** One of these values. */
  oneOf<const V extends readonly (string | number | boolean)[]>(values: V, description?: string): Shape<V[number]>;
  list<T>(items: Shape<T, any>, description?: string): Shape<T[]>;
  /** An object with any names, all values of one shape. */
  map<T>(values: Shape<T, any>, description?: string): Shape<{ [name: string]: T }>;
  /** An object with these names. */
  object<const F extends Fields>(fields: F, description?: string): Shape<Infer<F>>;
  /** A value of one of these shapes. */
  union<const S extends readonly Shape<any, any>[]>(shapes: S, description?: string): Shape<TypeOf<S[number]>>;
};

// A plugin.

export type Capability =
  | "commands"
  | "files"
  | "http"
  | "parameters"
  | "approvals"
  | "waits"
  | "blobs"
  | "executions"
  | "aws";

/** Where a call stands. */
export interface Context {
  readonly executionId: string;
  readonly step: string;
  /** The visit of the step: 1, or more when a jump or a loop came back to it. */
  readonly visit: number;
  /** The attempt within the visit, from 1. */
  readonly attempt: number;
  /** The same when this attempt runs again after a crash. Hand it to a service that takes one. */
  readonly idempotencyKey: string;
  /** When the step will be stopped, if it has a time limit. */
  readonly deadline: Date | null;
  /** W3C trace context of the step, to hand on. */
  readonly traceParent: string | null;
}

/** A capability call that a step made. */
export interface Call {
  /** The interface and function, for example `parameters.put`. */
  readonly function: string;
  /** What was asked, with the names of the contract in camel case; bytes in base64. */
  readonly request: any;
  /** What was answered, as the function itself answers; null when it failed, never ended, or had nothing to say. */
  readonly answer: any;
  /** The error, as the journal keeps it. */
  readonly error: { readonly [name: string]: unknown } | null;
  /** Whether an answer or an error came before the engine stopped. */
  readonly ended: boolean;
  /** Whether it may have had its effect: unless the engine said that it did not. */
  readonly mayHaveHappened: boolean;
}

/** What a step did, for its rollback. */
export interface Done<Outputs> {
  /** The outputs, when the step ended well; null when it failed half-way. */
  readonly outputs: Outputs | null;
  /** Every call it made, in order, over all its attempts. */
  readonly calls: readonly Call[];
  /** The calls of one function, for example `files.write`. */
  callsOf(name: string): Call[];
}

export interface Definition<I extends Fields, O extends Fields> {
  /** The action's name in runbooks. */
  action: `${string}:${string}`;
  /** Semantic version of the plugin. */
  version: string;
  /** One sentence: what a step with this action does. */
  description: string;
  /** What it does to the world; `mutating` when it does not say. */
  impact?: "mutating" | "non-mutating" | "undetermined";
  /** The capabilities that it calls, each with the reason that an operator reads before granting it. */
  capabilities?: { readonly [C in Capability]?: string };
  inputs?: I;
  outputs?: O;
  /**
   * Runs a step. It may be called again from its start, after a crash or a wait: it must make the same calls when it is
   * given the same answers. Throw a `Failure` to fail the step; anything else that is thrown fails it too.
   */
  run(context: Context, inputs: Infer<I>): {} extends Given<O> ? Given<O> | void : Given<O>;
  /** Undoes what `run` did, completely or half done. Must be safe to call when there is nothing to undo. */
  rollback?(context: Context, inputs: Infer<I>, done: Done<Given<O>>): void;
}

/** A plugin, for the build and for tests. */
export interface Plugin<I extends Fields = any, O extends Fields = any> {
  readonly action: string;
  readonly version: string;
  readonly description: string;
  readonly __types?: [I, O];
}

/** Defines the plugin; it is the default export of its file. */
export function definePlugin<const I extends Fields = {}, const O extends Fields = {}>(
  definition: Definition<I, O>,
): Plugin<I, O>;

// Failures.

export type FailureKind =
  | "invalid-input"
  | "failed"
  | "verification"
  | "denied"
  | "throttled"
  | "timed-out"
  | "limit-exceeded"
  | "uncertain"
  | "rejected";

/** Throw it to fail the step: what happened, where, why and what to do, for the person who reads it at night. */
export class Failure extends Error {
  constructor(kind: FailureKind, message: string, more?: { retryable?: boolean; details?: object | null });
  readonly kind: FailureKind;
  /** Whether another attempt can help. The runbook says how many there are. */
  readonly retryable: boolean;
  readonly details: object | null;
}

/** A capability did not do what it was asked. Not caught, it fails the step with its own kind. */
export class CapabilityError extends Error {}
/** The operator has not granted it. */
export class Denied extends CapabilityError {
  constructor(capability: string, missing: string);
  readonly capability: string;
  /** The grant that is missing, as an operator would write it. */
  readonly missing: string;
}
/** The thing named does not exist: a path, a parameter, a target, a program. */
export class NotFound extends CapabilityError {}
/** The request itself makes no sense; the same request will never work. */
export class Invalid extends CapabilityError {}
/** Too many requests; the same request may work later. */
export class Throttled extends CapabilityError {}
/** The time given was over first. */
export class TimedOut extends CapabilityError {}
/** A limit of the engine. Nothing was done. */
export class LimitExceeded extends CapabilityError {
  constructor(which: string, limit: number, used: number);
  readonly which: string;
  readonly limit: number;
  readonly used: number;
}
/** The other side failed or could not be reached; the same request may work later. */
export class Unavailable extends CapabilityError {}
/** The engine stopped while the effect was under way, and nobody knows whether it happened. */
export class Uncertain extends CapabilityError {}

// Capabilities. Each function throws a `CapabilityError` when the host does not do it.

type Bytes = string | Uint8Array;
type Moment = Date | number;
type Headers = { readonly [name: string]: string } | readonly (readonly [string, string])[];

/** The machine an effect happens on; the engine's own when it is not given. */
export interface OnTarget {
  on?: string | null;
}

export interface CommandOptions extends OnTarget {
  /** Text of a script; its path is added as the last argument. */
  script?: string | null;
  stdin?: Bytes | null;
  environment?: { readonly [name: string]: string };
  workingDirectory?: string | null;
  runAs?: string | null;
  timeoutMs?: number | null;
}

/** How a command ended. One that ran and failed is an answer, not an error. */
export interface Completed {
  readonly exitCode: number | null;
  readonly signal: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The whole output as a blob, when `stdout` was cut. */
  readonly stdoutBlob: string | null;
  readonly stderrBlob: string | null;
  readonly durationMs: number;
  /** Whether it ended with exit code 0. */
  readonly ok: boolean;
  /** How it ended, for people: `exit code 3`. */
  readonly how: string;
  /** The end of what it wrote to standard error, or to standard output when there is nothing. */
  readonly lastWords: string;
  /** Itself, when it ended well; otherwise the step fails and says how it ended. */
  check(doing?: string): this;
}

/** How a Command document ended. */
export interface DocumentEnd {
  readonly commandId: string;
  readonly status: string;
  readonly details: string;
  readonly targets: number;
  readonly errors: number;
  readonly nodes: readonly {
    readonly node: string;
    readonly status: string;
    readonly responseCode: number;
    readonly stdout: string;
    readonly stderr: string;
  }[];
}

/** Programs and scripts on a target. Needs the grant `commands`. */
export const commands: {
  /** Runs a program with its arguments. Never put a secret there: every process of the machine sees them. */
  run(args: readonly (string | number)[], options?: CommandOptions): Completed;
  /** Runs a script by the interpreter that its first line names, else by `/bin/sh`. */
  script(text: string, options?: Omit<CommandOptions, "script">): Completed;
  /** Has Systems Manager run a Command document. `request`: that of `SendCommand`. */
  runDocument(request: object): DocumentEnd;
};

/** Facts of a path. Symbolic links are not followed. */
export interface Facts {
  readonly kind: "file" | "directory" | "symlink" | "other";
  readonly size: number;
  readonly mode: number;
  readonly owner: string;
  readonly group: string;
  readonly modified: Date;
  readonly link: string | null;
  readonly sha256: string | null;
}

/** What stood at a path, kept by the engine so that it can be put back. */
export interface Kept {
  readonly path: string;
  readonly before: Facts | null;
  /** A name that only `files.restore` understands. */
  readonly contents: string | null;
}

/** Files of a target, under the paths that were granted. Needs the grant `files`. */
export const files: {
  /** Reads a whole regular file, at most 8 MiB. */
  read(path: string, options?: OnTarget): Uint8Array;
  readText(path: string, options?: OnTarget): string;
  /** Replaces a file's contents in one step. Secret placeholders in them are replaced on the target. */
  write(
    path: string,
    contents: Bytes,
    options?: OnTarget & { mode?: number; owner?: string; group?: string; parents?: boolean },
  ): void;
  /** Facts of a path; null when nothing is there. */
  stat(path: string, options?: OnTarget): Facts | null;
  /** The names in a folder, sorted. */
  listDirectory(path: string, options?: OnTarget): string[];
  /** Makes a folder and those above it. */
  makeDirectory(path: string, options?: OnTarget & { mode?: number }): void;
  /** Makes a symbolic link, replacing a link or a file of that name. */
  link(path: string, pointsTo: string, options?: OnTarget): void;
  /** Removes a file, a link or an empty folder. Succeeds when nothing is there. */
  remove(path: string, options?: OnTarget): void;
  /** Keeps what stands at a path, so that `restore` can put it back: also in a rollback, from the calls recorded. */
  snapshot(path: string, options?: OnTarget): Kept;
  /** Puts back what a snapshot kept. */
  restore(kept: Kept, options?: OnTarget): void;
};

/** An answer to a request. Every status is an answer. */
export interface Response {
  readonly status: number;
  /** Names in lower case, and values. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
  /** Whether the status is 2xx. */
  readonly ok: boolean;
  readonly text: string;
  json(): any;
  /** The first header of this name, or null. */
  header(name: string): string | null;
}

export interface HttpOptions {
  headers?: Headers;
  body?: Bytes;
  /** A value, sent as JSON. */
  json?: unknown;
  /** Of the whole answer. */
  timeoutMs?: number;
  redirects?: number;
}

/** HTTP requests to the hosts that were granted. Needs the grant `http`. */
export const http: {
  send(method: string, url: string, options?: HttpOptions): Response;
  get(url: string, options?: HttpOptions): Response;
  post(url: string, options?: HttpOptions): Response;
};

export type ParameterType = "String" | "StringList" | "SecureString";

/** One version of a parameter. The value of a `SecureString` is a text that stands for it. */
export interface Parameter {
  readonly name: string;
  readonly parameterType: ParameterType;
  readonly value: string;
  readonly version: number;
  readonly modified: Date;
  readonly labels: readonly string[];
}

type PutOptions = { parameterType?: ParameterType; overwrite?: boolean };

/** The parameter store. Needs the grant `parameters`. */
export const parameters: {
  /** Reads a parameter: `name`, `name:version` or `name:label`. */
  get(name: string): Parameter;
  getByPath(path: string, options?: { recursive?: boolean }): Parameter[];
  /** Writes a new version. `overwrite` false: an existing parameter throws `Invalid`. */
  put(name: string, value: string, options?: PutOptions): Parameter;
  /** Writes a new version with a random value that nobody has seen. */
  generate(name: string, characters: number, options?: PutOptions): Parameter;
  delete(name: string): void;
  history(name: string): Parameter[];
  label(name: string, version: number, label: string): void;
  /** The value behind a placeholder. A grant of its own. */
  reveal(placeholder: string): string;
};

/** What was decided. */
export interface Decision {
  readonly approved: boolean;
  readonly votes: readonly {
    readonly approver: string;
    readonly approved: boolean;
    readonly comment: string | null;
    readonly at: Date;
  }[];
}

/** Asks people. Needs the grant `approvals`. */
export const approvals: {
  /** Asks and waits; throws `TimedOut` after the deadline. One rejection decides at once. */
  request(message: string, options?: { approvers?: readonly string[]; quorum?: number; deadline?: Moment }): Decision;
};

/** A condition to wait for. */
export type Condition = { readonly [kind: string]: object };

/** Waits, durably: no instance exists while time passes. Needs the grant `waits`. */
export const waits: {
  sleep(ms: number): void;
  sleepUntil(moment: Moment): void;
  /** Waits for a signal for this step; throws `TimedOut` after the deadline. */
  signal(name: string, options?: { deadline?: Moment }): { readonly by: string; readonly at: Date; readonly payload: any };
  /** Probes until it comes true; throws `TimedOut` with the last reason. Needs the grant of the probe itself as well. */
  probe(
    condition: Condition,
    options: OnTarget & { deadline: Moment; intervalMs?: number; backoff?: number; maxIntervalMs?: number },
  ): { readonly probes: number; readonly waitedMs: number };
  /** A port accepts connections. */
  tcp(host: string, port: number): Condition;
  /** A GET answers with this status; any 2xx when it is not given. */
  http(url: string, status?: number): Condition;
  /** A path exists. */
  file(path: string): Condition;
  /** A command ends with exit code 0. */
  command(...args: (string | number)[]): Condition;
};

/** Large values, kept by content. Needs the grant `blobs`. */
export const blobs: {
  /** Keeps at most 64 MiB, and answers a name. */
  put(contents: Bytes): string;
  /** Reads up to `length` bytes (at most 8 MiB) from `offset`. */
  get(name: string, options?: { offset?: number; length?: number }): Uint8Array;
  size(name: string): number;
  /** The whole of it, in as many calls as that takes. */
  read(name: string): Uint8Array;
  readText(name: string): string;
};

/** How a child execution ended. */
export interface Outcome {
  readonly status: "Success" | "Failed" | "TimedOut" | "Cancelled" | "RolledBack" | "RollbackFailed";
  /** `step.output` to value. */
  readonly outputs: { readonly [name: string]: any };
  readonly failure: string | null;
}

/** Child executions. Needs the grant `executions`. */
export const executions: {
  /** Starts a child and answers its id. The same call after a crash finds the same child. */
  start(runbook: string, parameters?: object): string;
  wait(id: string): Outcome;
  /** Starts a child and waits for its end. */
  run(runbook: string, parameters?: object): Outcome;
};

/** Requests to services of AWS, which the engine signs. Needs the grant `aws`. */
export const aws: {
  send(
    service: string,
    method: string,
    path: string,
    options?: {
      headers?: Headers;
      body?: Bytes;
      region?: string;
      host?: string;
      credentials?: string;
      timeoutMs?: number;
    },
  ): Response;
};

/** What a step knows of itself beyond its context. Needs no grant. */
export const step: {
  /** The bytes of an attachment of the runbook; null when it has none of that name with a checksum. */
  attachment(name: string): Uint8Array | null;
  /** `REGION`, `ACCOUNT_ID` and `AWS_PARTITION`. */
  globals(): { readonly [name: string]: string };
};

type Line = (message: unknown, fields?: { readonly [name: string]: unknown }) => void;

/** The step's log, as `console` writes it, with named values. Needs no grant. */
export const log: {
  debug: Line;
  info: Line;
  warn: Line;
  error: Line;
  /** How far the step is: `done` of `total` (0: unknown), and what it does now. */
  progress(done: number, total?: number, message?: string): void;
};
