// `test:behaviours` in TypeScript: what sdk/behaviours/README.md asks of a plugin in every language.

import {
  Denied,
  Failure,
  type Given,
  type Infer,
  approvals,
  aws,
  blobs,
  commands,
  definePlugin,
  executions,
  files,
  http,
  log,
  parameters,
  s,
  waits,
} from "runwright";

const KEPT = "/tmp/behaviours/kept";
const NOTE = "/tmp/behaviours/note";
const WHY = "Some cases of the suite use it.";
const HOUR_MS = 3_600_000;

// The inputs that `echo` gives back.
const given = {
  Text: s.string("A text.").optional(),
  Whole: s.integer("A whole number.").optional(),
  Fraction: s.number("A number.").optional(),
  Flag: s.boolean("True or false.").optional(),
  List: s.list(s.string(), "Texts.").optional(),
  Object: s.map(s.any(), "Anything.").optional(),
};
const inputs = { Case: s.string("What to do."), ...given };
const outputs = { Result: s.any("What came of it."), ...given };

type Inputs = Infer<typeof inputs>;
type Outputs = Given<typeof outputs>;

function fails(attempt: number) {
  if (attempt === 1) throw new Failure("failed", "attempt 1 failed", { details: { attempt } });
  return `attempt ${attempt}`;
}

function garbled(): never {
  const text = "garbled: \ud800";
  log.warn(text);
  throw new Failure("failed", text);
}

function crashes(): never {
  throw new RangeError("boom");
}

function command() {
  const { exitCode, stdout } = commands.run(["uname", "-s"]);
  return { exit: exitCode, stdout };
}

function denied() {
  try {
    return commands.run(["reboot"]).how;
  } catch (error) {
    if (error instanceof Denied) return error.missing;
    throw error;
  }
}

function note() {
  files.write(NOTE, "note", { parents: true });
  const text = files.readText(NOTE);
  const facts = files.stat(NOTE);
  files.remove(NOTE);
  return { text, size: facts?.size ?? null, gone: files.stat(NOTE) === null };
}

function parameter() {
  parameters.put("/behaviours/one", "one");
  return parameters.get("/behaviours/one").value;
}

function secret() {
  const placeholder = parameters.get("/behaviours/secret").value;
  commands.run(["cat"], { stdin: placeholder });
  return placeholder;
}

function request() {
  const { status, text } = http.get("http://box.test/hello");
  return { status, body: text };
}

function regions() {
  const { status, text } = aws.send("ec2", "POST", "/", {
    region: "eu-west-1",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: "Action=DescribeRegions&Version=2016-11-15",
  });
  return { status, body: text };
}

function approval() {
  const { approved, votes } = approvals.request("Go on?");
  return { approved, by: votes[0]?.approver ?? null };
}

function sleep() {
  const before = Date.now();
  waits.sleep(2 * HOUR_MS);
  return Math.floor((Date.now() - before) / 1000);
}

function replay() {
  const random = Math.floor(Math.random() * 1_000_000);
  const stdouts = ["one", "two"].map((word) => commands.run(["echo", word, random]).stdout);
  waits.sleep(HOUR_MS);
  stdouts.push(commands.run(["echo", "three", random]).stdout);
  return { stdouts, random };
}

function keep() {
  files.write(KEPT, "kept", { parents: true });
  return "kept";
}

function logs() {
  log.debug("a debug line");
  log.info("an info line", { answer: 42 });
  console.warn("a warning");
  console.error("an error");
  log.progress(1, 2, "half");
  log.progress(2, 2, "whole");
  return "logged";
}

function endless(): never {
  for (;;);
}

const cases: { [name: string]: (text: string) => Outputs["Result"] } = {
  invalid() {
    throw new Failure("invalid-input", "Text must not be empty");
  },
  garbled,
  crashes,
  command,
  "command-exit": () => commands.run(["sh", "-c", "exit 3"]).exitCode,
  denied,
  "denied-uncaught": () => commands.run(["reboot"]).how,
  files: note,
  parameters: parameter,
  secret,
  http: request,
  aws: regions,
  blobs: (text) => blobs.readText(blobs.put(text)),
  approval,
  sleep,
  signal: () => waits.signal("go").payload,
  child: (text) => executions.run(text).status,
  replay,
  rollback: keep,
  logs,
  unicode: (text) => ({ text, length: [...text].length }),
  "too-large": () => "x".repeat(2 * 1024 * 1024),
  endless,
};

function act(attempt: number, { Case, ...rest }: Inputs): Outputs {
  const { Text } = rest;
  if (Case === "echo") return { Result: "echo", ...rest };
  if (Case === "absent") return { Result: Text === undefined ? "absent" : "given" };
  if (Case === "fails") return { Result: fails(attempt) };
  if (Case === "large") return { Result: new TextEncoder().encode(Text).length, Text };
  const found = Object.hasOwn(cases, Case) ? cases[Case] : undefined;
  if (!found) throw new Failure("invalid-input", `there is no case \`${Case}\``);
  return { Result: found(Text ?? "") };
}

export default definePlugin({
  action: "test:behaviours",
  version: "1.0.0",
  description: "Behaves as the suite in sdk/behaviours asks.",
  capabilities: {
    commands: WHY,
    files: WHY,
    http: WHY,
    parameters: WHY,
    approvals: WHY,
    waits: WHY,
    blobs: WHY,
    executions: WHY,
    aws: WHY,
  },
  inputs,
  outputs,
  run(context, inputs) {
    return act(context.attempt, inputs);
  },
  rollback(_context, inputs, done) {
    if (inputs.Case === "rollback" && done.outputs?.Result === "kept") {
      files.remove(KEPT);
      log.info(`rolled back ${done.calls.length} calls`);
    }
  },
});
