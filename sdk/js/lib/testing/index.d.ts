/**
 * A world that only answers, for unit tests of plugins in Node: no engine, no WebAssembly.
 *
 * ```ts
 * const world = new World({ files: { "/etc/motd": "hello" } }).command("systemctl restart *", { stdout: "done" });
 * const outputs = run(plugin, { Service: "app" }, world);
 * ```
 */

import type { Capability, CapabilityError, Context, Done, Fields, Given, Plugin } from "../index.js";

/** How a command ended, as an `answer` function gives it. */
export function exitWith(exitCode?: number, stdout?: string, stderr?: string): object;

/** An answer to a request, as an `answer` function gives it. A `body` that is neither text nor bytes is sent as JSON. */
export function respond(status?: number, body?: unknown, headers?: { [name: string]: string }): object;

/** The plugin made another call than the one that the journal has. */
export class NonDeterminism extends Error {}

interface Answering {
  /** So often, then the next that fits. */
  times?: number;
  /** A function of the request instead. */
  answer?: (request: any) => object;
}

interface Answer extends Answering {
  status?: number;
  body?: unknown;
  headers?: { [name: string]: string };
}

/**
 * A host in memory, with a clock that only waits move. A call that nothing answers throws `Unavailable` and says what to
 * script. In patterns `*` is any text; the first that fits and has answers left counts.
 */
export class World {
  constructor(has?: {
    /** Absolute path to contents. */
    files?: { [path: string]: string | Uint8Array };
    /** Name to a text, to a list, or to a secret. */
    parameters?: { [name: string]: string | string[] | { secure: string } };
    /** The capabilities that are granted; all when it is not given. */
    granted?: readonly Capability[];
    attachments?: { [name: string]: string | Uint8Array };
    globals?: { [name: string]: string };
  });

  /** Commands whose words, joined by spaces, fit: `systemctl *`. */
  command(pattern: string, ended?: Answering & { exit?: number; stdout?: string; stderr?: string }): this;
  /** Command documents of Systems Manager. */
  document(name: string, ended?: Answering & { status?: string; stdout?: string }): this;
  /** Requests: `GET https://example.com/*`. */
  http(pattern: string, answer?: Answer): this;
  /** Requests to services: `ec2 POST /*`. */
  aws(pattern: string, answer?: Answer): this;
  /** Probes: `tcp db:5432`, an address, a path, the words of a command. */
  probe(pattern: string, how?: { afterMs?: number; comes?: boolean }): this;
  /** What people say to the next question. */
  decide(decision?: { approved?: boolean; by?: string; comment?: string }): this;
  /** A signal, so long after it is waited for. */
  signal(name: string, sent?: { payload?: unknown; by?: string; afterMs?: number }): this;
  /** How the next child of this runbook ends. */
  child(runbook: string, ended?: { status?: string; outputs?: object; failure?: string }): this;
  /** Answers every call of a function (`files.write`) with an error, and does nothing. */
  refuse(name: string, error: CapabilityError): this;
  /** Refuses nothing any more. */
  relent(): this;

  readonly now: Date;
  /** The lines of the log: level and text. */
  readonly lines: [level: string, text: string][];
  /** The functions called so far, in order. */
  readonly functions: string[];
  readonly files: {
    /** The text of a file; null when there is none. */
    text(path: string): string | null;
  };
  readonly parameters: {
    /** The value of a parameter; null when there is none. */
    value(name: string): string | null;
  };
  /** What a rollback is told: every call so far, and these outputs if the step ended well. */
  done<O>(outputs?: O): Done<O>;
  /** Stops the engine at this call (0: the first), before it is made. */
  stopAt(call: number): this;
  /** Starts the engine again: what runs next is answered from the journal as far as that goes. */
  resume(): this;
  /** While `work` runs, this world answers capabilities, `Date` and `Math.random`. */
  answering<T>(work: () => T, key?: string): T;
}

/** A first attempt of a step named `step`, without a deadline; with what is given instead. */
export function context(given?: Partial<Context>): Context;

/** Runs a plugin as the engine does, from JSON to JSON. Throws what the plugin throws. */
export function run<I extends Fields, O extends Fields>(
  plugin: Plugin<I, O>,
  inputs: Given<I>,
  world?: World,
  inContext?: Context,
): Given<O>;

/** Rolls a plugin back, telling it of every call that this world saw, and of the outputs if the step ended well. */
export function rollback<I extends Fields, O extends Fields>(
  plugin: Plugin<I, O>,
  inputs: Given<I>,
  world: World,
  outputs?: Given<O> | null,
  inContext?: Context,
): void;

/**
 * Runs a plugin in `make()`, a world, and then once for each of its calls with the engine stopped there. After each stop it
 * begins again and is answered from the journal. It must make the same calls and end the same; at last it runs again with
 * every call answered. Answers how it ended; throws (`NonDeterminism` for another call) otherwise.
 */
export function crashEverywhere<I extends Fields, O extends Fields>(
  plugin: Plugin<I, O>,
  inputs: Given<I>,
  make: () => World,
  inContext?: Context,
): { outputs: Given<O>; failure?: undefined } | { outputs?: undefined; failure: { kind: string; message: string } };
