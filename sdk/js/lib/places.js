// Where an error was thrown, in the author's own files: the component holds one bundle of all of them.

// What the build adds: `sources` are the authors' files, `runs` say which lines of the bundle are whose:
// [first line of the bundle, how many, index of the source, first line there].
const BUNDLE = () => globalThis.runwrightLines ?? { sources: [], runs: [] };

/** The author's places in a stack of QuickJS, the innermost first: `plugin.ts:12, in restart`. */
export function places(stack) {
  return stack.split("\n").flatMap((line) => {
    const [, name, number] = line.match(/^\s+at (?:(.*) )?\(?[^()]*?:(\d+)(?::\d+)?\)?\s*$/) ?? [];
    const place = number === undefined ? null : placeOf(Number(number));
    return place === null ? [] : [name && name !== "<anonymous>" ? `${place}, in ${name}` : place];
  });
}

function placeOf(line) {
  const { sources, runs } = BUNDLE();
  const run = runs.find(([first, count]) => line >= first && line < first + count);
  return run === undefined ? null : `${sources[run[2]]}:${run[3] + line - run[0]}`;
}
