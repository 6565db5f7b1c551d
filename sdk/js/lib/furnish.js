// What QuickJS lacks and programs expect: a console, and text to bytes and back.

import { decode, encode } from "./bytes.js";
import { failureOf, shown } from "./errors.js";
import { current } from "./host.js";

// A line of the log is cut by the host; what is longer is not worth handing over.
const LINE_CHARACTERS_MAX = 8 * 1024;

function line(level) {
  return (...values) => {
    for (const one of values.map(told).join(" ").split("\n")) {
      current().log(level, one.slice(0, LINE_CHARACTERS_MAX));
    }
  };
}

function told(value) {
  return value instanceof Error ? failureOf(value, globalThis.runwrightPlaces).message : shown(value);
}

/** Puts them where programs look for them, once, while the component is built. `places`: those of an error's stack. */
export function furnish(places) {
  globalThis.runwrightPlaces = places;
  globalThis.console = {
    debug: line("debug"),
    trace: line("debug"),
    log: line("info"),
    info: line("info"),
    warn: line("warn"),
    error: line("error"),
  };
  globalThis.TextEncoder = class TextEncoder {
    static runwright = true;
    encoding = "utf-8";

    encode(text = "") {
      return encode(text);
    }
  };
  globalThis.TextDecoder = class TextDecoder {
    static runwright = true;
    encoding = "utf-8";

    decode(bytes = []) {
      return decode(bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes.buffer ?? bytes));
    }
  };
}
