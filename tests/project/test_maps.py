"""The docstring of each room is a map of its modules, for a reader who is new to the room."""

import ast
import re
from pathlib import Path

import pytest
from fakes.wire_listings import MODELS

PACKAGE = Path(__file__).resolve().parents[2] / "aiotofupilot"
ROOMS = [init.parent for init in sorted(PACKAGE.rglob("__init__.py"))]
REGISTER = "one module for each listing"
"""A map with these words need not name the modules that are named after a listing."""


def docstring(room):
    return ast.get_docstring(ast.parse((room / "__init__.py").read_text("utf-8"))) or ""


def modules(room):
    """The modules and rooms within a room. The version is left out, because it is only a number."""
    names = {path.stem for path in room.glob("*.py")} | {path.parent.name for path in room.glob("*/__init__.py")}
    return names - {"__init__", "_version"}


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(PACKAGE.parent)))
def test_the_map_of_a_room_names_every_module(room):
    named = set(re.findall(r"`+(\w+)`+", docstring(room)))
    if REGISTER in docstring(room):
        named |= MODELS.keys()
    assert sorted(modules(room) - named) == []


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(PACKAGE.parent)))
def test_the_map_of_a_room_names_no_module_that_is_gone(room):
    """A line of the map begins with a module."""
    assert sorted(set(re.findall(r"^- `(\w+)`", docstring(room), re.MULTILINE)) - modules(room)) == []
