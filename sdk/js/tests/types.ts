// What TypeScript infers from shapes. Checked by `tsc --noEmit`, not run.

import { type Given, type Infer, commands, definePlugin, s } from "../lib/index.js";
import { World, run } from "../lib/testing/index.js";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function check<_T extends true>() {}

const inputs = {
  Text: s.string("A text."),
  Count: s.integer().min(1).default(3),
  Note: s.string().optional(),
  Mode: s.oneOf(["fast", "slow"]),
  Disks: s.list(s.object({ Device: s.string(), Size: s.number().optional() })),
  Tags: s.map(s.boolean()),
  Either: s.union([s.string(), s.integer()]),
};

check<
  Same<
    Infer<typeof inputs>,
    {
      Text: string;
      Count: number;
      Mode: "fast" | "slow";
      Disks: { Device: string; Size?: number }[];
      Tags: { [name: string]: boolean };
      Either: string | number;
      Note?: string;
    }
  >
>();
check<Same<Given<{ A: typeof inputs.Text; B: typeof inputs.Count }>, { A: string; B?: number }>>();

const plugin = definePlugin({
  action: "acme:drain",
  version: "1.0.0",
  description: "Drains.",
  capabilities: { commands: "Drains." },
  inputs,
  outputs: { Drained: s.integer() },
  run(context, inputs) {
    const exit: number | null = commands.run(["drain", inputs.Text, context.attempt]).exitCode;
    // @ts-expect-error: there is no such input
    inputs.Texts;
    return { Drained: exit ?? 0 };
  },
  rollback(_context, _inputs, done) {
    const drained: number | undefined = done.outputs?.Drained;
    void drained;
  },
});

const outputs = run(plugin, { Text: "", Mode: "fast", Disks: [], Tags: {}, Either: 1 }, new World().command("*"));
check<Same<typeof outputs, { Drained: number }>>();

// @ts-expect-error: `Text` is missing
run(plugin, { Mode: "fast", Disks: [], Tags: {}, Either: 1 });

definePlugin({
  action: "acme:nothing",
  version: "1.0.0",
  description: "Has neither inputs nor outputs.",
  run() {},
});

definePlugin({
  // @ts-expect-error: an action has a namespace
  action: "nothing",
  version: "1.0.0",
  description: "x",
  outputs: { A: s.string() },
  // @ts-expect-error: the output is missing
  run: () => ({}),
});

// @ts-expect-error: there is no such capability
definePlugin({ action: "a:b", version: "1.0.0", description: "x", capabilities: { filez: "x" }, run() {} });
