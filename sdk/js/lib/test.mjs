// Runs the unit tests of a plugin: `npm test`, or `node sdk/test.mjs`. `runwright plugin test` calls it.
//
// Tests are `tests/*.test.js` and `tests/*.test.ts`. They are bundled first (esbuild), so that Node reads TypeScript.

import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const OUT = "build/tests";

const tests = readdirSync("tests").filter((name) => /\.test\.[jt]s$/.test(name));
rmSync(OUT, { recursive: true, force: true });
run("esbuild", [
  ...tests.map((name) => join("tests", name)),
  `--alias:runwright=${join(HERE, "index.js")}`,
  `--alias:runwright/testing=${join(HERE, "testing/index.js")}`,
  "--bundle",
  "--format=esm",
  "--platform=node",
  "--target=node20",
  "--sourcemap=inline",
  "--log-level=warning",
  "--out-extension:.js=.mjs",
  `--outdir=${OUT}`,
]);
run(process.execPath, ["--enable-source-maps", "--test", ...readdirSync(OUT).map((name) => join(OUT, name))]);

function run(program, words) {
  const { status, error } = spawnSync(program, words, { stdio: "inherit" });
  if (error) process.stderr.write(`${program}: ${error.message}\n`);
  if (status !== 0) process.exit(1);
}
