// Runs the unit tests of a plugin: `node sdk/test.mjs`, or `npm test`. `runwright plugin test` calls it.
//
// Tests are `tests/*.test.js` and `tests/*.test.ts`. They are bundled first, so that Node reads TypeScript.

import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const OUT = "build/tests";

const tests = readdirSync("tests").filter((name) => /\.test\.[jt]s$/.test(name)).map((name) => join("tests", name));
if (tests.length === 0) {
  console.log("no unit tests: tests/*.test.js and tests/*.test.ts are run");
  process.exit(0);
}
const { build } = await import("esbuild");
rmSync(OUT, { recursive: true, force: true });
await build({
  entryPoints: tests,
  alias: { runwright: join(HERE, "index.js"), "runwright/testing": join(HERE, "testing/index.js") },
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  sourcemap: "inline",
  outdir: OUT,
  outExtension: { ".js": ".mjs" },
  logLevel: "warning",
}).catch(() => process.exit(1));
const bundles = readdirSync(OUT).map((name) => join(OUT, name));
const { status } = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...bundles], { stdio: "inherit" });
process.exit(status ?? 1);
