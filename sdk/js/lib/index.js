// Write a Runwright plugin in JavaScript or TypeScript: see README.md beside the plugin, and index.d.ts for every function.

export { approvals, aws, blobs, commands, executions, files, http, log, parameters, step, waits } from "./capabilities.js";
export {
  CapabilityError,
  Denied,
  Failure,
  Invalid,
  LimitExceeded,
  NotFound,
  Throttled,
  TimedOut,
  Unavailable,
  Uncertain,
} from "./errors.js";
export { definePlugin } from "./plugin.js";
export { s } from "./schema.js";
