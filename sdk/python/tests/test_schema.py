"""Type hints as schemas, and values of runbooks as values of those types."""

import enum
import unittest
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Optional, Union

from runwright import Failure, Least, Most, Name, Pattern, schema


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Disk:
    device: Annotated[str, "Its name.", Pattern("^/dev/")]
    size_gib: Annotated[int, Least(1), Most(64)] = 8


@dataclass
class Everything:
    text: str
    ratio: float
    disks: Annotated[list[Disk], "At least one.", Least(1)]
    tags: dict[str, str]
    colour: Colour
    mode: Literal["fast", "slow"] = "fast"
    flag: bool = False
    note: Optional[str] = None
    either: Union[int, str] = 3
    url: Annotated[str, Name("URL"), Most(9)] = "-"
    free: Any = None
    plain: dict = field(default_factory=dict)
    words: list[str] = field(default_factory=list)


LEAST = {
    "Text": "a",
    "Ratio": 1,
    "Disks": [{"Device": "/dev/sda"}],
    "Tags": {"any key": "b"},
    "Colour": "red",
}


class SchemaTest(unittest.TestCase):
    def test_every_type(self):
        disk = {
            "type": "object",
            "properties": {
                "Device": {"type": "string", "description": "Its name.", "pattern": "^/dev/"},
                "SizeGib": {"type": "integer", "minimum": 1, "maximum": 64, "default": 8},
            },
            "additionalProperties": False,
            "required": ["Device"],
        }
        properties = {
            "Text": {"type": "string"},
            "Ratio": {"type": "number"},
            "Disks": {"type": "array", "items": disk, "description": "At least one.", "minItems": 1},
            "Tags": {"type": "object", "additionalProperties": {"type": "string"}},
            "Colour": {"type": "string", "enum": ["red", "blue"]},
            "Mode": {"type": "string", "enum": ["fast", "slow"], "default": "fast"},
            "Flag": {"type": "boolean", "default": False},
            "Note": {"type": "string"},
            "Either": {"anyOf": [{"type": "integer"}, {"type": "string"}], "default": 3},
            "URL": {"type": "string", "maxLength": 9, "default": "-"},
            "Free": {},
            "Plain": {"type": "object", "additionalProperties": True, "default": {}},
            "Words": {"type": "array", "items": {"type": "string"}, "default": []},
        }
        self.assertEqual(
            schema.of_object(Everything, "inputs"),
            {
                "type": "object",
                "properties": properties,
                "additionalProperties": False,
                "required": ["Text", "Ratio", "Disks", "Tags", "Colour"],
            },
        )

    def test_what_runbooks_have_no_values_of_is_refused_with_its_place(self):
        @dataclass
        class Bad:
            when: list[complex]

        with self.assertRaisesRegex(schema.Unsupported, r"inputs\.when\[\]: <class 'complex'>"):
            schema.of_object(Bad, "inputs")
        with self.assertRaisesRegex(schema.Unsupported, "keys of a map are texts"):
            schema.of(dict[int, str], "x")
        with self.assertRaisesRegex(schema.Unsupported, "must be a dataclass or a dict"):
            schema.of_object(str, "outputs")

    def test_values_go_there_and_back(self):
        read = schema.decode(Everything, LEAST)
        self.assertEqual(read.ratio, 1.0)
        self.assertIs(type(read.ratio), float)
        self.assertEqual(read.disks, [Disk("/dev/sda", 8)])
        self.assertIs(read.colour, Colour.RED)
        written = schema.encode(read)
        self.assertEqual(schema.decode(Everything, written), read)
        self.assertNotIn("Note", written)
        self.assertEqual(written["Disks"], [{"Device": "/dev/sda", "SizeGib": 8}])

    def test_what_does_not_fit_names_its_place(self):
        def told(**change):
            with self.assertRaises(Failure) as caught:
                schema.decode(Everything, LEAST | change)
            self.assertEqual(caught.exception.kind, "invalid-input")
            return str(caught.exception)

        self.assertIn("`Disks[0].Device` must be str, and is 7", told(Disks=[{"Device": 7}]))
        self.assertIn("`Disks[0].Device` is missing", told(Disks=[{}]))
        self.assertIn("`Color` is unknown", told(Color="red"))
        self.assertIn("`Tags.a` must be str", told(Tags={"a": 1}))
        self.assertIn("`Mode` must be Literal", told(Mode="quick"))
        self.assertIn("`Colour` must be Colour", told(Colour="green"))
        self.assertIn("`Flag` must be bool, and is 1", told(Flag=1))
        self.assertIn("`Either` must be str", told(Either=[]))
