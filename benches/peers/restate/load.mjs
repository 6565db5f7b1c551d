// Calls the service: `steps AT_ONCE EXECUTIONS STEPS` and waits, or `sleepers EXECUTIONS UNTIL_MS` and does not.
// One line of JSON says how it went.
import http from "node:http";

const [ingress, verb, ...numbers] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });

const post = (path, body) =>
  new Promise((resolve, reject) => {
    const options = { method: "POST", agent, headers: { "content-type": "application/json" } };
    const call = http.request(`${ingress}${path}`, options, (answer) => {
      let text = "";
      answer.on("data", (part) => (text += part));
      answer.on("end", () => (answer.statusCode < 300 ? resolve(text) : reject(new Error(`${answer.statusCode} ${text}`))));
    });
    call.on("error", reject);
    call.end(JSON.stringify(body));
  });

const atOnce = async (runners, count, work) => {
  let next = 0;
  const runner = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: runners }, runner));
};

const median = (times) => times.sort((a, b) => a - b)[Math.floor(times.length / 2)];

if (verb === "steps") {
  const [runners, executions, steps] = numbers.map(Number);
  const times = [];
  const begin = performance.now();
  await atOnce(runners, executions, async () => {
    const began = performance.now();
    await post("/bench/steps", steps);
    times.push((performance.now() - began) / steps);
  });
  const seconds = (performance.now() - begin) / 1000;
  console.log(JSON.stringify({ step_us: median(times) * 1000, steps_per_s: (executions * steps) / seconds }));
} else {
  const [executions, until] = numbers.map(Number);
  await atOnce(256, executions, (number) => post("/bench/sleeper/send", { name: `c${number}`, until }));
  console.log("{}");
}
agent.destroy();
