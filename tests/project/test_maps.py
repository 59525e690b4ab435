"""The docstring of each package is a map of its modules, for a reader who is new to the package."""

import ast
import re
from pathlib import Path

import pytest
from fakes.wire_listings import MODELS

PACKAGE = Path(__file__).resolve().parents[2] / "aiotofupilot"
PACKAGES = [init.parent for init in sorted(PACKAGE.rglob("__init__.py"))]
REGISTER = "one module for each listing"
"""A map with these words need not name the modules that are named after a listing."""


def docstring(package):
    return ast.get_docstring(ast.parse((package / "__init__.py").read_text("utf-8"))) or ""


def modules(package):
    """The modules and packages within a package. The version is left out, because it is only a number."""
    names = {path.stem for path in package.glob("*.py")} | {path.parent.name for path in package.glob("*/__init__.py")}
    return names - {"__init__", "_version"}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: str(package.relative_to(PACKAGE.parent)))
def test_the_map_of_a_package_names_every_module(package):
    named = set(re.findall(r"`+(\w+)`+", docstring(package)))
    if REGISTER in docstring(package):
        named |= MODELS.keys()
    assert sorted(modules(package) - named) == []


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: str(package.relative_to(PACKAGE.parent)))
def test_the_map_of_a_package_names_no_module_that_is_gone(package):
    """A line of the map begins with a module."""
    assert sorted(set(re.findall(r"^- `(\w+)`", docstring(package), re.MULTILINE)) - modules(package)) == []
