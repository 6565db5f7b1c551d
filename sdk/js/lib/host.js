// The host behind the capabilities: the engine in a running plugin, a `World` of runwright/testing in tests.
//
// Requests and answers have the shapes of wit/, with names in camel case, bytes as Uint8Array, moments in milliseconds.

let answering = null;

/** The host that answers now. */
export function current() {
  if (answering === null) {
    throw new Error("capabilities answer while the engine calls the plugin, and in tests inside `world.answering(…)`");
  }
  return answering;
}

/** Puts another host in place, and answers the one before. */
export function use(host) {
  const before = answering;
  answering = host;
  return before;
}
