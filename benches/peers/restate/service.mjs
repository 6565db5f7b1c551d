// What Restate runs: the same executions as Runwright's, as handlers of a service.
import http from "node:http";
import * as restate from "@restatedev/restate-sdk";

const woken = new Set();

const bench = restate.service({
  name: "bench",
  handlers: {
    // So many durable steps, one after the other.
    steps: async (context, count) => {
      for (let step = 0; step < count; step += 1) {
        await context.run(`S${step}`, () => "text");
      }
    },
    // A step, a durable sleep until the moment, a step.
    sleeper: async (context, { name, until }) => {
      const now = await context.run("Before", () => Date.now());
      await context.sleep(Math.max(until - now, 1));
      await context.run("After", () => {
        woken.add(name);
      });
    },
  },
});

restate.endpoint().bind(bench).listen(Number(process.argv[2]));

// How many have done their last step.
http
  .createServer((_, answer) => answer.end(String(woken.size)))
  .listen(Number(process.argv[3]), "127.0.0.1");
