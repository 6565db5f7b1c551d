// The tutorial is true: its code runs as it stands.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const library = new URL("../lib/", import.meta.url).href;

test("the tutorial runs", async (here) => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const [plugin, undoing, tests] = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, block]) =>
    block.replace('"runwright"', `"${library}index.js"`).replace('"runwright/testing"', `"${library}testing/index.js"`),
  );
  const folder = mkdtempSync(join(tmpdir(), "runwright-readme-"));
  here.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "plugin.mjs"), plugin.replace(/\}\);\s*$/, `${undoing}});\n`));
  const told = `import assert from "node:assert/strict";\nconst test = (_name, work) => work();\n`;
  writeFileSync(join(folder, "test.mjs"), told + tests.replace("../plugin.ts", "./plugin.mjs"));
  const { default: defined } = await import(join(folder, "plugin.mjs"));
  assert.equal(typeof defined.rollback, "function");
  await import(join(folder, "test.mjs"));
});
