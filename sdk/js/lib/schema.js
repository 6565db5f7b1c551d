// Shapes of inputs and outputs: JSON Schema for the engine, types for TypeScript, and the reading of values.

import { Failure, shown } from "./errors.js";

// The words for a smallest and a largest value of each kind.
const BOUNDS = {
  string: ["minLength", "maxLength"],
  array: ["minItems", "maxItems"],
  integer: ["minimum", "maximum"],
  number: ["minimum", "maximum"],
};

class Shape {
  constructor(json, { presence = "required", parts = {} } = {}) {
    this.json = json;
    this.presence = presence;
    this.parts = parts;
  }

  #with(json, presence = this.presence) {
    return new Shape({ ...this.json, ...json }, { presence, parts: this.parts });
  }

  #bound(index, value) {
    const words = BOUNDS[this.json.type];
    if (!words) throw new TypeError(`a ${this.json.type ?? "value of any type"} has no smallest or largest`);
    return this.#with({ [words[index]]: value });
  }

  optional() {
    return this.#with({}, "optional");
  }

  default(value) {
    return this.#with({ default: value }, "default");
  }

  min(least) {
    return this.#bound(0, least);
  }

  max(most) {
    return this.#bound(1, most);
  }

  pattern(pattern) {
    return this.#with({ pattern: pattern instanceof RegExp ? pattern.source : pattern });
  }
}

function shape(type, description, more = {}, parts = {}) {
  const json = { ...(type && { type }), ...(description && { description }), ...more };
  return new Shape(json, { parts });
}

/** The shapes. */
export const s = {
  string: (description) => shape("string", description),
  integer: (description) => shape("integer", description),
  number: (description) => shape("number", description),
  boolean: (description) => shape("boolean", description),
  any: (description) => shape(null, description),
  oneOf(values, description) {
    const kinds = new Set(values.map((value) => typeof value));
    return shape(kinds.size === 1 && kinds.has("string") ? "string" : null, description, { enum: [...values] });
  },
  list: (items, description) => shape("array", description, { items: items.json }, { items }),
  map: (values, description) => shape("object", description, { additionalProperties: values.json }, { values }),
  union: (shapes, description) => shape(null, description, { anyOf: shapes.map((each) => each.json) }, { shapes }),
  object(fields, description) {
    const names = Object.keys(fields);
    const required = names.filter((name) => fields[name].presence === "required");
    const properties = Object.fromEntries(names.map((name) => [name, fields[name].json]));
    const more = { properties, additionalProperties: false, ...(required.length > 0 && { required }) };
    return shape("object", description, more, { fields });
  },
};

const KINDS = {
  string: (value) => typeof value === "string",
  integer: (value) => Number.isInteger(value),
  number: (value) => Number.isFinite(value),
  boolean: (value) => typeof value === "boolean",
  array: (value) => Array.isArray(value),
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
};

/** The value as the shape has it, with defaults. Throws a failure of kind `invalid-input` where it does not fit. */
export function read(of, value, place = "") {
  const { json, parts } = of;
  const fits = json.enum ? json.enum.includes(value) : !json.type || KINDS[json.type](value);
  if (!fits) {
    const wanted = json.enum ? `one of ${json.enum.map((each) => JSON.stringify(each)).join(", ")}` : `of type ${json.type}`;
    const found = typeof value === "string" ? JSON.stringify(value) : shown(value);
    throw misfit(`\`${place || "the value"}\` must be ${wanted}, and is ${found}`);
  }
  if (parts.items) return value.map((item, index) => read(parts.items, item, `${place}[${index}]`));
  if (parts.values) return mapped(value, (item, name) => read(parts.values, item, below(place, name)));
  if (parts.shapes) return readUnion(parts.shapes, value, place);
  return parts.fields ? readFields(parts.fields, value, place) : value;
}

function readUnion(shapes, value, place) {
  for (const each of shapes.slice(0, -1)) {
    try {
      return read(each, value, place);
    } catch {
      // The next one may fit; the last one says why not.
    }
  }
  return read(shapes.at(-1), value, place);
}

function readFields(fields, value, place) {
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(fields, name));
  if (unknown !== undefined) {
    throw misfit(`\`${below(place, unknown)}\` is unknown: there are ${Object.keys(fields).join(", ")}`);
  }
  const found = {};
  for (const [name, field] of Object.entries(fields)) {
    if (value[name] !== undefined) {
      found[name] = read(field, value[name], below(place, name));
    } else if (field.presence === "required") {
      throw misfit(`\`${below(place, name)}\` is missing`);
    } else if (field.presence === "default") {
      found[name] = structured(field.json.default);
    }
  }
  return found;
}

// A copy: what one call does to it is not seen by the next.
function structured(value) {
  return JSON.parse(JSON.stringify(value));
}

function below(place, name) {
  return place ? `${place}.${name}` : name;
}

function mapped(value, change) {
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, change(item, name)]));
}

function misfit(message) {
  return new Failure("invalid-input", message);
}
