// What a step did, for its rollback.

import { readAnswer, readRequest } from "./journal.js";

export class Call {
  constructor(fields) {
    Object.assign(this, fields);
    Object.freeze(this);
  }

  get mayHaveHappened() {
    return this.error === null || ["uncertain", "unavailable", "timed-out"].some((name) => name in this.error);
  }

  /** Of JSON texts; `answer` and `error` are null when neither came. */
  static of({ function: name, request, answer, error }) {
    return new Call({
      function: name,
      request: readRequest(name, request),
      answer: answer === null ? null : readAnswer(name, answer),
      error: error === null ? null : JSON.parse(error),
      ended: answer !== null || error !== null,
    });
  }
}

export class Done {
  constructor(outputs, calls) {
    this.outputs = outputs;
    this.calls = calls;
    Object.freeze(this);
  }

  callsOf(name) {
    return this.calls.filter((call) => call.function === name);
  }

  /** Of the contract's: an answer there is null, or `{tag: "ok" | "err", val}`. */
  static of({ outputs, calls }) {
    const texts = (answer) => ({
      answer: answer?.tag === "ok" ? answer.val : null,
      error: answer?.tag === "err" ? answer.val : null,
    });
    const read = calls.map((call) => Call.of({ ...call, ...texts(call.answer) }));
    return new Done(outputs == null ? null : JSON.parse(outputs), read);
  }
}
