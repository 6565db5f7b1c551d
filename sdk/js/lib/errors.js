// Failures of a step, and errors of capabilities: both are thrown.

/** Why a step failed, as `onFailure` and retries of a runbook see it. */
export const KINDS = [
  "invalid-input",
  "failed",
  "verification",
  "denied",
  "throttled",
  "timed-out",
  "limit-exceeded",
  "uncertain",
  "rejected",
];

// Kinds that another attempt does not mend.
const FOR_GOOD = ["invalid-input", "denied", "uncertain", "rejected"];
// How many places a failure's message shows, and its details.
const PLACES_SHOWN = 2;
const PLACES_KEPT = 10;

export class Failure extends Error {
  constructor(kind, message, { retryable = !FOR_GOOD.includes(kind), details = null } = {}) {
    if (!KINDS.includes(kind)) {
      throw new TypeError(`\`${kind}\` is no kind of failure: there are ${KINDS.join(", ")}`);
    }
    super(message);
    this.name = "Failure";
    this.kind = kind;
    this.retryable = retryable;
    this.details = details;
  }
}

export class CapabilityError extends Error {
  constructor(message) {
    super(message);
    this.name = this.constructor.name;
  }

  /** As the journal keeps it. */
  recorded() {
    return { [this.constructor.tag]: this.message };
  }
}

// The error's name in the contract, the kind of failure it becomes, whether another attempt can help.
function define(type, tag, kind, retryable) {
  return Object.assign(type, { tag, kind, retryable });
}

export class Denied extends CapabilityError {
  constructor(capability, missing) {
    super(`\`${capability}\` is not granted: add the grant \`${missing}\` to the plugin's \`grants\``);
    this.capability = capability;
    this.missing = missing;
  }

  recorded() {
    return { denied: { capability: this.capability, missing: this.missing } };
  }
}

export class LimitExceeded extends CapabilityError {
  constructor(which, limit, used) {
    super(`limit \`${which}\` exceeded: ${used} of at most ${limit}; raise it in the engine's limits or ask for less`);
    Object.assign(this, { which, limit, used });
  }

  recorded() {
    return { "limit-exceeded": { which: this.which, limit: this.limit, used: this.used } };
  }
}

export class NotFound extends CapabilityError {}
export class Invalid extends CapabilityError {}
export class Throttled extends CapabilityError {}
export class TimedOut extends CapabilityError {}
export class Unavailable extends CapabilityError {}
export class Uncertain extends CapabilityError {}

const TYPES = [
  define(Denied, "denied", "denied", false),
  define(NotFound, "not-found", "failed", true),
  define(Invalid, "invalid", "failed", false),
  define(Throttled, "throttled", "throttled", true),
  define(TimedOut, "timed-out", "timed-out", true),
  define(LimitExceeded, "limit-exceeded", "limit-exceeded", true),
  define(Unavailable, "unavailable", "failed", true),
  define(Uncertain, "uncertain", "uncertain", false),
];

/** The error of this name with this value, as the contract and the journal have it. */
export function errorOf(tag, value) {
  const Type = TYPES.find((type) => type.tag === tag);
  if (Type === Denied) return new Denied(value.capability, value.missing);
  if (Type === LimitExceeded) return new LimitExceeded(value.which, value.limit, value.used);
  return new Type(value);
}

/** The failure that whatever was thrown is. `places` answers where, of an error's stack. */
export function failureOf(thrown, places = nodePlaces) {
  if (thrown instanceof Failure) return thrown;
  if (thrown instanceof CapabilityError) {
    const { kind, retryable } = thrown.constructor;
    return new Failure(kind, thrown.message, { retryable });
  }
  if (!(thrown instanceof Error)) {
    return new Failure("failed", `the plugin threw ${shown(thrown)}, which is no error`);
  }
  const found = places(thrown.stack ?? "");
  const told = thrown.message ? `${thrown.name}: ${thrown.message}` : thrown.name;
  const message = [told, ...found.slice(0, PLACES_SHOWN).map((place) => `  at ${place}`)].join("\n");
  const details = { exception: thrown.name, traceback: found.slice(0, PLACES_KEPT) };
  return new Failure("failed", message, { retryable: true, details });
}

// The lines of a stack of Node.
function nodePlaces(stack) {
  return stack.split("\n").flatMap((line) => line.match(/^\s+at (.*)$/)?.[1] ?? []);
}

/** A value as a line of text shows it. */
export function shown(value) {
  if (typeof value === "string") return value;
  if (value instanceof Error) return `${value}`;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
