// Files, parameters and blobs in memory. They refuse what the engine's refuse.

import { createHash } from "node:crypto";

import { bytesOf, decode } from "../bytes.js";
import { Invalid, NotFound } from "../errors.js";

// The folders that are there at the start.
const FOLDERS = ["/", "/etc", "/tmp"];

function above(path) {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The files of every target. */
export class Files {
  #nodes = new Map();
  #kept = [];

  constructor(files, now) {
    for (const [path, contents] of Object.entries(files)) {
      this.write(now, { on: null, path, contents: bytesOf(contents), options: { parents: true } });
    }
  }

  /** The text of a file of the engine's own machine; null when there is none. */
  text(path) {
    const node = this.#at({ on: null, path });
    return node?.kind === "file" ? decode(node.contents) : null;
  }

  read(_now, { on, path }) {
    const node = this.#at({ on, path });
    if (!node) throw new NotFound(`\`${path}\` does not exist`);
    if (node.kind !== "file") throw new Invalid(`\`${path}\` is no regular file`);
    return node.contents;
  }

  write(now, { on, path, contents, options }) {
    if (options.parents) this.makeDirectory(now, { on, path: above(path), mode: null });
    this.#checkParent(on, path);
    const before = this.#at({ on, path });
    if (before?.kind === "directory") throw new Invalid(`\`${path}\` is a folder`);
    const old = before?.kind === "file" ? before : { mode: 0o644, owner: "root", group: "root" };
    const fact = (name) => options[name] ?? old[name];
    const facts = { mode: fact("mode"), owner: fact("owner"), group: fact("group") };
    this.#put({ on, path }, { kind: "file", contents, modified: now, ...facts });
  }

  stat(_now, { on, path }) {
    return facts(this.#at({ on, path }) ?? (FOLDERS.includes(path) ? { kind: "directory" } : undefined));
  }

  listDirectory(_now, { on, path }) {
    if (!this.#isFolder(on, path)) throw new NotFound(`\`${path}\` does not exist`);
    const inside = this.#paths(on).filter((name) => above(name) === path && name !== path);
    return inside.map((name) => name.slice(name.lastIndexOf("/") + 1)).sort();
  }

  makeDirectory(now, { on, path, mode }) {
    for (let folder = path; !this.#isFolder(on, folder); folder = above(folder)) {
      if (this.#at({ on, path: folder })) throw new Invalid(`\`${folder}\` is no folder`);
      this.#put({ on, path: folder }, { kind: "directory", mode: mode ?? 0o755, modified: now });
    }
  }

  link(now, { on, path, pointsTo }) {
    this.#checkParent(on, path);
    if (this.#isFolder(on, path)) throw new Invalid(`\`${path}\` is a folder`);
    this.#put({ on, path }, { kind: "symlink", link: pointsTo, mode: 0o777, modified: now });
  }

  remove(_now, { on, path }) {
    if (this.#paths(on).some((name) => name.startsWith(`${path}/`))) {
      throw new Invalid(`the folder \`${path}\` is not empty`);
    }
    this.#nodes.delete(key({ on, path }));
  }

  snapshot(_now, { on, path }) {
    if (this.#isFolder(on, path)) throw new Invalid(`\`${path}\` is a folder`);
    const node = this.#at({ on, path });
    const contents = node?.kind === "file" ? `kept:${this.#kept.push(node) - 1}` : null;
    return { path, before: facts(node), contents };
  }

  restore(now, { on, snapshot: { path, before, contents } }) {
    if (contents !== null) this.#put({ on, path }, this.#kept[Number(contents.slice("kept:".length))]);
    else if (before !== null) this.#put({ on, path }, { kind: "symlink", link: before.link, mode: 0o777, modified: now });
    else this.#nodes.delete(key({ on, path }));
  }

  #at(place) {
    return this.#nodes.get(key(place));
  }

  #put(place, node) {
    this.#nodes.set(key(place), node);
  }

  #paths(on) {
    const places = [...this.#nodes.keys()].map((text) => JSON.parse(text));
    return places.filter(([target]) => target === on).map(([, path]) => path);
  }

  #isFolder(on, path) {
    return FOLDERS.includes(path) || this.#at({ on, path })?.kind === "directory";
  }

  #checkParent(on, path) {
    if (!this.#isFolder(on, above(path))) throw new NotFound(`\`${above(path)}\` does not exist`);
  }
}

function key({ on, path }) {
  return JSON.stringify([on, path]);
}

function facts(node) {
  if (!node) return null;
  const { kind, contents, mode = 0o755, owner = "root", group = "root", modified = 0, link = null } = node;
  const digest = contents ? sha256(contents) : null;
  return { kind, size: contents?.length ?? 0, mode, owner, group, modified, link, sha256: digest };
}

/** All versions of every parameter. A secure one is kept as the text that stands for it, and its value beside. */
export class Parameters {
  #versions = new Map();
  #secrets = new Map();

  constructor(parameters, now) {
    for (const [name, value] of Object.entries(parameters)) {
      const parameterType = Array.isArray(value) ? "StringList" : typeof value === "object" ? "SecureString" : "String";
      const given = value.secure ?? (Array.isArray(value) ? value.join(",") : value);
      this.put(now, { name, parameterType, value: { given }, overwrite: true });
    }
  }

  /** The value of a parameter; null when there is none. */
  value(name) {
    return this.#versions.get(name)?.at(-1).value ?? null;
  }

  get(_now, { name }) {
    const [known, wanted] = name.split(":");
    const versions = (this.#versions.get(known) ?? []).toReversed();
    const found = versions.find((p) => !wanted || String(p.version) === wanted || p.labels.includes(wanted));
    if (!found) throw new NotFound(`there is no parameter \`${name}\``);
    return { ...found, labels: [...found.labels] };
  }

  getByPath(now, { path, recursive }) {
    const below = `${path.replace(/\/+$/, "")}/`;
    const names = [...this.#versions.keys()].filter((name) => name.startsWith(below)).sort();
    const wanted = names.filter((name) => recursive || !name.slice(below.length).includes("/"));
    return wanted.map((name) => this.get(now, { name }));
  }

  put(now, { name, parameterType, value, overwrite }) {
    const versions = this.#versions.get(name) ?? [];
    if (versions.length > 0 && !overwrite) throw new Invalid(`the parameter \`${name}\` exists`);
    const version = versions.length + 1;
    let text = value.given ?? "x".repeat(value.generated);
    if (parameterType === "SecureString") {
      const placeholder = `((secret:${name}:${version}))`;
      this.#secrets.set(placeholder, text);
      text = placeholder;
    }
    this.#versions.set(name, [...versions, { name, parameterType, value: text, version, modified: now, labels: [] }]);
    return this.get(now, { name });
  }

  delete(_now, { name }) {
    this.#versions.delete(name);
  }

  history(now, { name }) {
    this.get(now, { name });
    return this.#versions.get(name).map((version) => ({ ...version, labels: [...version.labels] }));
  }

  label(now, { name, version, label }) {
    this.get(now, { name: `${name}:${version}` });
    for (const each of this.#versions.get(name)) {
      each.labels = each.labels.filter((known) => known !== label);
      if (each.version === version) each.labels.push(label);
    }
  }

  reveal(_now, { placeholder }) {
    if (!this.#secrets.has(placeholder)) throw new NotFound(`\`${placeholder}\` stands for nothing`);
    return this.#secrets.get(placeholder);
  }
}

/** Large values by their digest. */
export class Blobs {
  #contents = new Map();

  put(_now, { contents }) {
    const name = `sha256:${sha256(contents)}`;
    this.#contents.set(name, contents);
    return name;
  }

  get(_now, { name, offset, length }) {
    return this.#whole(name).slice(offset, offset + length);
  }

  size(_now, { name }) {
    return this.#whole(name).length;
  }

  #whole(name) {
    if (!this.#contents.has(name)) throw new NotFound(`there is no blob \`${name}\``);
    return this.#contents.get(name);
  }
}
