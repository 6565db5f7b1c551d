// Random numbers that a replay draws again.

/**
 * A `Math.random` for this key: the same numbers when an attempt runs again, others in every other attempt. QuickJS's own
 * would be the same in all executions, because its seed is part of the component. (FNV-1a seeds sfc32.)
 */
export function randomFrom(key) {
  const seeds = [0x811c9dc5, 0x9e3779b9, 0x243f6a88, 0xb7e15162].map((start) => {
    let seed = start;
    for (const character of key) seed = Math.imul(seed ^ character.codePointAt(0), 0x01000193);
    return seed;
  });
  let [a, b, c, d] = seeds;
  const next = () => {
    const sum = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  };
  for (let turn = 0; turn < 12; turn++) next();
  return () => (next() * 0x200000 + (next() >>> 11)) / 0x20000000000000;
}
