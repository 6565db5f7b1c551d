"""The JSONPath of runbooks, as `PropertySelector` has it: the same dialect as the engine's own for outputs.

`$`, `.name`, `.'na.me'`, `['name']`, `[0]`, `[-1]`, `[*]`, `.*`, `..name`, `[?(@.name == 'text')]`; a path without `$` begins below it.
"""

import re

TOKEN = re.compile(
    r"""\.\.(?P<deep>[\w\-:/]+|\*|(?=\[))
      | \.(?P<name>[\w\-:/]+|\*)
      | \.(?P<dotted>'[^']*'|"[^"]*")(?=[.\[]|$)
      | \[\s*(?P<star>\*)\s*\]
      | \[\s*(?P<index>-?\d+)\s*\]
      | \[\s*(?P<quote>['"])(?P<quoted>.*?)(?P=quote)\s*\]
      | \[\?\(\s*@\.(?P<key>[\w\-.:]+)\s*(?P<operator>==|!=)\s*(?P<value>'[^']*'|"[^"]*"|[^\s)]+)\s*\)\]""",
    re.VERBOSE,
)


class BadPath(ValueError):
    """A path that cannot be read."""


def select(path, document):
    """What the path finds, and whether it can find several (then it is a list)."""
    path = path.strip()
    if not path.startswith("$"):
        path = "$." + path
    found, several, at = [document], False, 1
    while at < len(path):
        token = TOKEN.match(path, at)
        if not token:
            raise BadPath(f"`{path}` cannot be read from `{path[at:]}` on")
        found, more = step(token, found)
        several, at = several or more, token.end()
    if several:
        return found, True
    return (found[0] if found else None), False


def step(token, found):
    """One step of a path from all values found so far."""
    if token["deep"] is not None:
        below = [value for item in found for value in descendants(item)]
        if token["deep"] in ("", "*"):
            return below, True
        return [value[token["deep"]] for value in below if isinstance(value, dict) and token["deep"] in value], True
    quoted = token["dotted"][1:-1] if token["dotted"] is not None else token["quoted"]
    name = token["name"] if token["name"] is not None else quoted
    if token["star"] or name == "*" and token["name"]:
        return [value for item in found for value in children(item)], True
    if token["index"] is not None:
        index = int(token["index"])
        return [item[index] for item in found if isinstance(item, list) and -len(item) <= index < len(item)], False
    if token["key"] is not None:
        return [value for item in found for value in children(item) if passes(token, value)], True
    return [item[name] for item in found if isinstance(item, dict) and name in item], False


def children(value):
    """What is directly below."""
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def descendants(value):
    """The value and all that is below it."""
    yield value
    for child in children(value):
        yield from descendants(child)


def passes(token, value):
    """Whether a filter takes the value."""
    for part in token["key"].split("."):
        if not isinstance(value, dict) or part not in value:
            return token["operator"] == "!="
        value = value[part]
    wanted = token["value"]
    wanted = wanted[1:-1] if wanted[0] in "'\"" else wanted
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return (shown == wanted) == (token["operator"] == "==")
