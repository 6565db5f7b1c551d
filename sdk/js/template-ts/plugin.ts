// `{{action}}`: the action of this plugin. The build makes a component of this file and of what it imports.

import { Failure, commands, definePlugin, files, log, s } from "runwright";

export default definePlugin({
  action: "{{action}}",
  version: "0.1.0",
  description: "Writes a greeting of this machine into a file.",
  impact: "mutating",
  capabilities: { commands: "Asks the machine for its name.", files: "Writes the greeting." },
  inputs: {
    Path: s.string("Absolute path of the file that gets the greeting."),
    Greeting: s.string("What to say.").default("Hello"),
  },
  outputs: { Text: s.string("What the file says now.") },

  run(_context, { Path, Greeting }) {
    if (!Greeting.trim()) throw new Failure("invalid-input", "Greeting must not be empty");
    const machine = commands.run(["uname", "-n"]).check("asking the machine for its name").stdout.trim();
    const text = `${Greeting} from ${machine}`;
    // What stood there is kept by the engine, so that the rollback can put it back.
    files.snapshot(Path);
    files.write(Path, `${text}\n`);
    log.info("greeted", { path: Path });
    return { Text: text };
  },

  // Also called when the step failed half-way, so it goes by the calls that were made.
  rollback(_context, _inputs, done) {
    for (const call of done.callsOf("files.snapshot").reverse()) {
      if (call.answer !== null) files.restore(call.answer);
    }
  },
});
