"""Type hints as JSON Schema, and values of runbooks as values of those types.

A field `disk_size` is `DiskSize` in runbooks; `Annotated[str, Name("URL")]` gives it another name. What `Annotated` holds
beside: a text is the description, and `Least`, `Most` and `Pattern` are bounds.
"""

import dataclasses
import enum
import functools
import types
import typing
from typing import Annotated, Any, Literal, Union

from .errors import Failure


@dataclasses.dataclass(frozen=True)
class Name:
    """What a field is called in runbooks."""

    name: str


@dataclasses.dataclass(frozen=True)
class Least:
    """The smallest number, the fewest characters, the fewest items."""

    least: float


@dataclasses.dataclass(frozen=True)
class Most:
    """The largest number, the most characters, the most items."""

    most: float


@dataclasses.dataclass(frozen=True)
class Pattern:
    """A regular expression that is found in the text. For editors: check it yourself."""

    pattern: str


KINDS = {str: "string", bool: "boolean", int: "integer", float: "number"}
#: The words for a smallest and a largest value of each kind.
BOUNDS = {"string": ("minLength", "maxLength"), "array": ("minItems", "maxItems")}
NONE = type(None)


class Unsupported(TypeError):
    """A type that runbooks have no values of."""


@dataclasses.dataclass(frozen=True)
class Field:
    """A field of a dataclass, as runbooks see it."""

    attribute: str
    name: str
    hint: Any
    required: bool
    default: Any


@functools.cache
def fields(of):
    """The fields of a dataclass. Looked up once: in a component while it is built."""
    return tuple(each_field(of))


def each_field(of):
    """The fields, one after the other."""
    hints = typing.get_type_hints(of, include_extras=True)
    for each in dataclasses.fields(of):
        hint = hints[each.name]
        default = each.default
        if each.default_factory is not dataclasses.MISSING:
            default = each.default_factory()
        required = default is dataclasses.MISSING and not is_optional(hint)
        yield Field(each.name, runbook_name(each.name, hint), hint, required, default)


def runbook_name(attribute, hint):
    """`disk_size` as `DiskSize`, unless it says otherwise."""
    for extra in extras(hint):
        if isinstance(extra, Name):
            return extra.name
    return "".join(part[:1].upper() + part[1:] for part in attribute.split("_"))


def extras(hint):
    """What `Annotated` holds beside the type."""
    return typing.get_args(hint)[1:] if typing.get_origin(hint) is Annotated else ()


def bare(hint):
    """The type without what `Annotated` adds."""
    return bare(typing.get_args(hint)[0]) if typing.get_origin(hint) is Annotated else hint


def members(hint):
    """The types of a union; `None` when it is none."""
    hint = bare(hint)
    return typing.get_args(hint) if typing.get_origin(hint) in (Union, types.UnionType) else None


def is_optional(hint):
    """Whether `None` stands for "not given"."""
    return NONE in (members(hint) or ())


def of_object(hint, place):
    """The schema of inputs or outputs: a dataclass, `dict` for anything, `None` for nothing."""
    shape = bare(hint)
    if shape in (None, NONE):
        return {"type": "object", "additionalProperties": False}
    schema = of(hint, place)
    if schema.get("type") != "object":
        raise Unsupported(f"{place}: must be a dataclass or a dict, and is {hint!r}")
    return schema


def of(hint, place):
    """The JSON Schema of a type."""
    schema = of_bare(bare(hint), place)
    lower, upper = BOUNDS.get(schema.get("type"), ("minimum", "maximum"))
    for extra in extras(hint):
        if isinstance(extra, str):
            schema["description"] = extra
        elif isinstance(extra, Least):
            schema[lower] = extra.least
        elif isinstance(extra, Most):
            schema[upper] = extra.most
        elif isinstance(extra, Pattern):
            schema["pattern"] = extra.pattern
    return schema


def of_bare(hint, place):
    """The JSON Schema of a type that stands alone."""
    if hint is Any or hint is object:
        return {}
    if hint in KINDS:
        return {"type": KINDS[hint]}
    if dataclasses.is_dataclass(hint):
        return of_dataclass(hint, place)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return of_values([each.value for each in hint])
    shapes = members(hint)
    if shapes is not None:
        known = [of(shape, place) for shape in shapes if shape is not NONE]
        return known[0] if len(known) == 1 else {"anyOf": known}
    origin, arguments = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin is Literal:
        return of_values(list(arguments))
    if origin is list:
        return {"type": "array"} | ({"items": of(arguments[0], f"{place}[]")} if arguments else {})
    if origin is dict:
        if arguments and arguments[0] is not str:
            raise Unsupported(f"{place}: the keys of a map are texts, and here they are {arguments[0]!r}")
        return {"type": "object", "additionalProperties": of(arguments[1], f"{place}{{}}") or True if arguments else True}
    raise Unsupported(
        f"{place}: {hint!r} is no type of runbooks; there are str, int, float, bool, list, dict, Optional, Literal, Enum, "
        "dataclasses and Any"
    )


def of_values(values):
    """The schema of a choice."""
    kinds = {KINDS.get(type(value)) for value in values}
    kind = kinds.pop() if len(kinds) == 1 else None
    return ({"type": kind} if kind else {}) | {"enum": values}


def of_dataclass(shape, place):
    """The schema of an object with known keys."""
    properties, required = {}, []
    for field in fields(shape):
        properties[field.name] = of(field.hint, f"{place}.{field.attribute}")
        if field.required:
            required.append(field.name)
        elif field.default not in (None, dataclasses.MISSING):
            properties[field.name]["default"] = encode(field.default)
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": required} if required else {})


def encode(value):
    """A value as JSON has it: dataclasses by the names of runbooks, without what is `None` and may be left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        named = ((field, getattr(value, field.attribute)) for field in fields(type(value)))
        return {
            field.name: encode(item) for field, item in named if item is not None or not (is_optional(field.hint))
        }
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [encode(item) for item in value]
    return value


def decode(hint, value, place=""):
    """A value of a runbook as the type says. Raises `Failure` of kind `invalid-input` where it does not fit."""
    hint = bare(hint)
    if hint is Any or hint is object:
        return value
    shapes = members(hint)
    if shapes is not None:
        return decode_union(shapes, value, place)
    if dataclasses.is_dataclass(hint):
        return decode_dataclass(hint, value, place)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return fitting(value in [each.value for each in hint], hint, value, place) and hint(value)
    origin, arguments = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin is Literal:
        fitting(any(value == each and type(value) is type(each) for each in arguments), hint, value, place)
        return value
    if origin is list:
        fitting(isinstance(value, list), hint, value, place)
        shape = arguments[0] if arguments else Any
        return [decode(shape, item, f"{place}[{index}]") for index, item in enumerate(value)]
    if origin is dict:
        fitting(isinstance(value, dict), hint, value, place)
        shape = arguments[1] if arguments else Any
        return {key: decode(shape, item, f"{place}.{key}" if place else key) for key, item in value.items()}
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    fitting(type(value) is hint, hint, value, place)
    return value


def decode_union(shapes, value, place):
    """The first shape that fits."""
    if value is None and NONE in shapes:
        return None
    shapes = [shape for shape in shapes if shape is not NONE]
    for shape in shapes[:-1]:
        try:
            return decode(shape, value, place)
        except Failure:
            continue
    return decode(shapes[-1], value, place)


def decode_dataclass(shape, value, place):
    """An object with known keys. What is not given is left to the dataclass."""
    fitting(isinstance(value, dict), shape, value, place)
    known = {field.name: field for field in fields(shape)}
    prefix = f"{place}." if place else ""
    for name in value:
        if name not in known:
            raise Failure("invalid-input", f"`{prefix}{name}` is unknown: there are {', '.join(known)}")
    given = {}
    for name, field in known.items():
        if name in value:
            given[field.attribute] = decode(field.hint, value[name], prefix + name)
        elif field.required:
            raise Failure("invalid-input", f"`{prefix}{name}` is missing")
        elif field.default is dataclasses.MISSING:
            given[field.attribute] = None
    return shape(**given)


def fitting(fits, hint, value, place):
    """Raises where a value does not fit."""
    if not fits:
        wanted = getattr(hint, "__name__", None) if isinstance(hint, type) else str(hint).replace("typing.", "")
        raise Failure("invalid-input", f"`{place or 'the value'}` must be {wanted}, and is {value!r}")
    return True
