"""Files, parameters and blobs in memory. They refuse what the engine's refuse."""

import hashlib

from ..errors import Invalid, NotFound

#: The folders that are there at the start.
FOLDERS = ("/", "/etc", "/tmp")


def above(path):
    """The folder that a path is in."""
    return path.rpartition("/")[0] or "/"


class Files:
    """The files of every target. `world.files["/etc/motd"]` is what a file of the engine's own machine holds."""

    def __init__(self, files):
        self._nodes, self._kept = {}, []
        for path, contents in files.items():
            contents = contents.encode() if isinstance(contents, str) else contents
            self.write(0, None, path, contents, {"mode": None, "owner": None, "group": None, "parents": True})

    def __getitem__(self, path):
        return self.read(0, None, path)

    def __contains__(self, path):
        return (None, path) in self._nodes

    def read(self, now, on, path):
        """The bytes of a regular file."""
        node = self._nodes.get((on, path))
        if node is None:
            raise NotFound(f"`{path}` does not exist")
        if node["kind"] != "file":
            raise Invalid(f"`{path}` is no regular file")
        return node["contents"]

    def write(self, now, on, path, contents, options):
        """Replaces a file, or a link."""
        if options["parents"]:
            self.make_directory(now, on, above(path), None)
        self._check_parent(on, path)
        before = self._nodes.get((on, path), {})
        if before.get("kind") == "directory":
            raise Invalid(f"`{path}` is a folder")
        before = before if before.get("kind") == "file" else {}
        node = {"kind": "file", "contents": contents, "modified": now}
        for fact, otherwise in (("mode", 0o644), ("owner", "root"), ("group", "root")):
            node[fact] = before.get(fact, otherwise) if options[fact] is None else options[fact]
        self._nodes[on, path] = node

    def stat(self, now, on, path):
        """Facts, or `None`."""
        node = self._nodes.get((on, path))
        return facts({"kind": "directory"} if node is None and path in FOLDERS else node)

    def list_directory(self, now, on, path):
        """The names in a folder."""
        if not self._is_folder(on, path):
            raise NotFound(f"`{path}` does not exist")
        return sorted(name.rpartition("/")[2] for target, name in self._nodes if target == on and above(name) == path)

    def make_directory(self, now, on, path, mode):
        """Makes a folder and those above it."""
        while not self._is_folder(on, path):
            if (on, path) in self._nodes:
                raise Invalid(f"`{path}` is no folder")
            self._nodes[on, path] = {"kind": "directory", "mode": mode or 0o755, "modified": now}
            path = above(path)

    def link(self, now, on, path, points_to):
        """Makes a symbolic link."""
        self._check_parent(on, path)
        if self._is_folder(on, path):
            raise Invalid(f"`{path}` is a folder")
        self._nodes[on, path] = {"kind": "symlink", "link": points_to, "mode": 0o777, "modified": now}

    def remove(self, now, on, path):
        """Removes what is there."""
        if any(target == on and name.startswith(f"{path}/") for target, name in self._nodes):
            raise Invalid(f"the folder `{path}` is not empty")
        self._nodes.pop((on, path), None)

    def snapshot(self, now, on, path):
        """Keeps what is there."""
        if self._is_folder(on, path):
            raise Invalid(f"`{path}` is a folder")
        node = self._nodes.get((on, path))
        contents = None
        if node is not None and node["kind"] == "file":
            contents = f"kept:{len(self._kept)}"
            self._kept.append(node)
        return {"path": path, "before": facts(node), "contents": contents}

    def restore(self, now, on, snapshot):
        """Puts it back."""
        path, before = snapshot["path"], snapshot["before"]
        if snapshot["contents"] is not None:
            self._nodes[on, path] = self._kept[int(snapshot["contents"].removeprefix("kept:"))]
        elif before is not None:
            self._nodes[on, path] = {"kind": "symlink", "link": before["link"], "mode": 0o777, "modified": now}
        else:
            self._nodes.pop((on, path), None)

    def _is_folder(self, on, path):
        return path in FOLDERS or self._nodes.get((on, path), {}).get("kind") == "directory"

    def _check_parent(self, on, path):
        if not self._is_folder(on, above(path)):
            raise NotFound(f"`{above(path)}` does not exist")


def facts(node):
    """Facts of what is there; `None` of nothing."""
    if node is None:
        return None
    contents = node.get("contents")
    return {
        "kind": node["kind"],
        "size": len(contents or b""),
        "mode": node.get("mode", 0o755),
        "owner": node.get("owner", "root"),
        "group": node.get("group", "root"),
        "modified": node.get("modified", 0),
        "link": node.get("link"),
        "sha256": None if contents is None else hashlib.sha256(contents).hexdigest(),
    }


class Parameters:
    """All versions of every parameter. A secure one is kept as the text that stands for it, and its value beside."""

    def __init__(self, parameters, now):
        self._versions, self._secrets = {}, {}
        for name, value in parameters.items():
            kind = "SecureString" if isinstance(value, dict) else "StringList" if isinstance(value, list) else "String"
            text = value["secure"] if isinstance(value, dict) else ",".join(value) if isinstance(value, list) else value
            self.put(now, name, kind, {"given": text}, True)

    def __getitem__(self, name):
        return self.get(0, name)["value"]

    def __contains__(self, name):
        return name in self._versions

    def get(self, now, name):
        """One version: the last, or that of a number or label."""
        known, _, wanted = name.partition(":")
        for version in reversed(self._versions.get(known, [])):
            if not wanted or str(version["version"]) == wanted or wanted in version["labels"]:
                return dict(version, labels=list(version["labels"]))
        raise NotFound(f"there is no parameter `{name}`")

    def get_by_path(self, now, path, recursive):
        """The last versions of what is below a path."""
        below = path.rstrip("/") + "/"
        names = (name for name in sorted(self._versions) if name.startswith(below))
        return [self.get(now, name) for name in names if recursive or "/" not in name.removeprefix(below)]

    def put(self, now, name, parameter_type, value, overwrite):
        """A new version."""
        versions = self._versions.setdefault(name, [])
        if versions and not overwrite:
            raise Invalid(f"the parameter `{name}` exists")
        text = value["given"] if "given" in value else "x" * value["generated"]
        number = len(versions) + 1
        if parameter_type == "SecureString":
            placeholder = f"((secret:{name}:{number}))"
            self._secrets[placeholder], text = text, placeholder
        made = {"name": name, "parameter_type": parameter_type, "value": text, "version": number}
        versions.append(made | {"modified": now, "labels": []})
        return self.get(now, name)

    def delete(self, now, name):
        """All versions."""
        self._versions.pop(name, None)

    def history(self, now, name):
        """All versions, oldest first."""
        self.get(now, name)
        return [dict(version, labels=list(version["labels"])) for version in self._versions[name]]

    def label(self, now, name, version, label):
        """Moves a label."""
        self.get(now, f"{name}:{version}")
        for each in self._versions[name]:
            each["labels"] = [known for known in each["labels"] if known != label]
            if each["version"] == version:
                each["labels"].append(label)

    def reveal(self, now, placeholder):
        """The value of a secret."""
        if placeholder not in self._secrets:
            raise NotFound(f"`{placeholder}` stands for nothing")
        return self._secrets[placeholder]


class Blobs:
    """Large values by their digest."""

    def __init__(self):
        self._contents = {}

    def put(self, contents):
        """Keeps it."""
        name = f"sha256:{hashlib.sha256(contents).hexdigest()}"
        self._contents[name] = contents
        return name

    def get(self, name, offset, length):
        """A part of it."""
        return self._whole(name)[offset : offset + length]

    def size(self, name):
        """How many bytes it has."""
        return len(self._whole(name))

    def _whole(self, name):
        if name not in self._contents:
            raise NotFound(f"there is no blob `{name}`")
        return self._contents[name]
