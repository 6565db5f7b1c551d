// Makes a component of a plugin: `node sdk/build.mjs SOURCE WIT OUTPUT`. `runwright plugin build` calls it.
//
// It bundles the author's files with the library (esbuild, which reads TypeScript too), tells the bundle which of its lines
// are whose, and puts it into QuickJS (componentize-qjs).

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));

const [source, wit, output] = process.argv.slice(2).map((path) => resolve(path));
const { build } = await import("esbuild");
const { componentize } = await import("componentize-qjs");

const entry = [
  `import { exportsOf } from ${JSON.stringify(join(HERE, "wire.js"))};`,
  `import plugin from ${JSON.stringify(source)};`,
  "export const action = exportsOf(plugin);",
];
const bundled = await build({
  stdin: { contents: entry.join("\n"), resolveDir: dirname(source), sourcefile: "runwright-entry.js" },
  alias: { runwright: join(HERE, "index.js") },
  external: ["runwright:*"],
  bundle: true,
  format: "esm",
  platform: "neutral",
  mainFields: ["module", "main"],
  target: "es2023",
  sourcemap: "external",
  write: false,
  outfile: "bundle.js",
  logLevel: "warning",
}).catch(() => process.exit(1));

const [map, script] = ["bundle.js.map", "bundle.js"].map((name) =>
  bundled.outputFiles.find((file) => basename(file.path) === name),
);
const folder = dirname(output);
mkdirSync(folder, { recursive: true });
const bundle = join(folder, `${basename(output, ".wasm")}.bundle.js`);
writeFileSync(bundle, `${script.text}\nglobalThis.runwrightLines = ${JSON.stringify(lines(JSON.parse(map.text)))};\n`);
const { component } = await componentize({
  witPath: wit,
  world: "plugin",
  jsSource: readFileSync(bundle, "utf8"),
  jsPath: bundle,
  moduleRoot: folder,
  optSize: true,
  // The host has no asynchronous functions for components. WASI is not stubbed: the host's clock is its own.
  sync: true,
});
// Who reads it meanwhile sees the old one or the new one.
writeFileSync(`${output}.new`, component);
renameSync(`${output}.new`, output);

// Which lines of the bundle are whose, of a source map: see places.js.
function lines({ sources, mappings }) {
  const own = sources.map((path) => resolve(path));
  const isLibrary = (path) => path.startsWith(HERE + "/") || path.includes("/node_modules/") || path.endsWith("runwright-entry.js");
  const names = own.map((path) => (isLibrary(path) ? null : relative(dirname(source), path)));
  const kept = [...new Set(names.filter((name) => name !== null))];
  const runs = [];
  let [from, line] = [0, 0];
  mappings.split(";").forEach((segments, index) => {
    let first = null;
    for (const segment of segments.split(",").filter(Boolean)) {
      const [, inSource = 0, inLine = 0] = numbers(segment);
      from += inSource;
      line += inLine;
      first ??= [from, line];
    }
    if (first === null || names[first[0]] === null) return;
    const [number, place] = [index + 1, [kept.indexOf(names[first[0]]), first[1] + 1]];
    const last = runs.at(-1);
    if (last && last[0] + last[1] === number && last[2] === place[0] && last[3] + last[1] === place[1]) last[1]++;
    else runs.push([number, 1, ...place]);
  });
  return { sources: kept, runs };
}

// The numbers of a segment: base 64, six bits each, the lowest bit of the first is the sign.
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
