// Makes a component of a plugin: `node sdk/build.mjs SOURCE WIT OUTPUT`. `runwright plugin build` calls it.
//
// It bundles the author's files with the library (esbuild, which reads TypeScript too), tells the bundle which of its lines
// are whose, and puts it into QuickJS (componentize-qjs). Both programs are looked for in PATH.

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));

const [source, wit, output] = process.argv.slice(2).map((path) => resolve(path));
const project = dirname(source);
const folder = dirname(output);
const name = basename(output, ".wasm");
const [entry, bundle] = [join(folder, `${name}.entry.js`), join(folder, `${name}.bundle.js`)];

mkdirSync(folder, { recursive: true });
const lines = [
  `import { exportsOf } from ${JSON.stringify(join(HERE, "wire.js"))};`,
  `import plugin from ${JSON.stringify(source)};`,
  "export const action = exportsOf(plugin);\n",
];
writeFileSync(entry, lines.join("\n"));
run("esbuild", [
  entry,
  `--alias:runwright=${join(HERE, "index.js")}`,
  "--external:runwright:*",
  "--bundle",
  "--format=esm",
  "--platform=neutral",
  "--main-fields=module,main",
  "--target=es2023",
  "--sourcemap=external",
  "--log-level=warning",
  `--outfile=${bundle}`,
]);
const map = JSON.parse(readFileSync(`${bundle}.map`, "utf8"));
const whose = `\nglobalThis.runwrightLines = ${JSON.stringify(whoseLines(map))};\n`;
writeFileSync(bundle, readFileSync(bundle, "utf8") + whose);
run("componentize-qjs", [
  ...["--wit", wit, "--world", "plugin", "--js", bundle, "--module-root", folder, "--output", output],
  // The host has no asynchronous functions for components. WASI is not stubbed: the clock is the host's.
  ...["--sync", "--opt-size"],
]);

// Runs a program. What it has to say is shown when it fails.
function run(program, words) {
  const { status, error, stdout, stderr } = spawnSync(program, words, { encoding: "utf8" });
  if (status === 0) return;
  process.stderr.write(error ? `${program}: ${error.message}\n` : stdout + stderr);
  process.exit(1);
}

// Which lines of the bundle are the author's, of its source map: see places.js.
function whoseLines({ sources, mappings }) {
  const isOwn = (path) => path !== entry && !path.startsWith(`${HERE}/`) && !path.includes("/node_modules/");
  const paths = sources.map((path) => resolve(folder, path));
  const own = paths.filter(isOwn);
  const runs = [];
  // Numbers in a source map are relative to those before them.
  let [at, line] = [0, 0];
  for (const [index, segments] of mappings.split(";").entries()) {
    let first = null;
    for (const segment of segments.split(",").filter(Boolean)) {
      const [, toSource = 0, toLine = 0] = numbers(segment);
      at += toSource;
      line += toLine;
      first ??= [own.indexOf(paths[at]), line + 1];
    }
    if (first === null || first[0] < 0) continue;
    const last = runs.at(-1);
    const goesOn = last && last[0] + last[1] === index + 1 && last[2] === first[0] && last[3] + last[1] === first[1];
    if (goesOn) last[1]++;
    else runs.push([index + 1, 1, ...first]);
  }
  return { sources: own.map((path) => relative(project, path)), runs };
}

// The numbers of a segment: base 64, six bits each, and the lowest bit of a number is its sign.
function numbers(segment) {
  const found = [];
  let [value, shift] = [0, 0];
  for (const letter of segment) {
    const digit = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".indexOf(letter);
    value += (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    found.push(value & 1 ? -(value >> 1) : value >> 1);
    [value, shift] = [0, 0];
  }
  return found;
}
