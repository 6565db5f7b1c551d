// Text and bytes: QuickJS has no TextEncoder.

/** UTF-8 of a text. A lone half of a pair becomes U+FFFD. */
export function encode(text) {
  if (typeof globalThis.TextEncoder === "function" && !globalThis.TextEncoder.runwright) {
    return new globalThis.TextEncoder().encode(text);
  }
  const bytes = [];
  for (const character of text) {
    let point = character.codePointAt(0);
    if (point >= 0xd800 && point <= 0xdfff) point = 0xfffd;
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), tail(point));
    else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), tail(point >> 6), tail(point));
    else bytes.push(0xf0 | (point >> 18), tail(point >> 12), tail(point >> 6), tail(point));
  }
  return Uint8Array.from(bytes);
}

function tail(point) {
  return 0x80 | (point & 0x3f);
}

/** Text of UTF-8. What is none becomes U+FFFD. */
export function decode(bytes) {
  if (typeof globalThis.TextDecoder === "function" && !globalThis.TextDecoder.runwright) {
    return new globalThis.TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  }
  const parts = [];
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const [point, length] = pointAt(bytes, at);
    text += String.fromCodePoint(point);
    at += length;
    if (text.length > 4096) {
      parts.push(text);
      text = "";
    }
  }
  return parts.join("") + text;
}

// The code point that begins there, and how many bytes it takes; U+FFFD for what is no UTF-8.
function pointAt(bytes, at) {
  const first = bytes[at];
  if (first < 0x80) return [first, 1];
  const length = first >= 0xf0 && first < 0xf5 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (length === 0 || first >= 0xf5) return [0xfffd, 1];
  let point = first & (0x7f >> length);
  for (let next = 1; next < length; next++) {
    const byte = bytes[at + next];
    if (byte === undefined || (byte & 0xc0) !== 0x80) return [0xfffd, next];
    point = (point << 6) | (byte & 0x3f);
  }
  const least = [0, 0, 0x80, 0x800, 0x10000][length];
  const fits = point >= least && point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff);
  return fits ? [point, length] : [0xfffd, 1];
}

/** Bytes of a text, of bytes, or of an array of numbers; null stays. */
export function bytesOf(value) {
  if (value === null || value === undefined) return null;
  return typeof value === "string" ? encode(value) : Uint8Array.from(value);
}

/** Base64 of bytes. */
export function toBase64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** Bytes of base64. */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
