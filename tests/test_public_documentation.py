"""What help(), signatures and pytest see of the package."""

import ast
import inspect
import pydoc
import re
from functools import cache
from importlib import import_module
from itertools import pairwise

import attrs
import pytest

import aiotofupilot.sandbox
from aiotofupilot import Checkpoint, Paginator, TofuPilotSession, Walk
from aiotofupilot._public import internal

OF_THE_SANDBOX = [getattr(aiotofupilot.sandbox, name) for name in aiotofupilot.sandbox.__all__]
PUBLIC = [getattr(aiotofupilot, name) for name in aiotofupilot.__all__]
LISTINGS = [value for name in dir(TofuPilotSession) if hasattr(value := getattr(TofuPilotSession("key"), name), "list")]
NOT_FOR_USERS = re.compile(r"(?<!_make\.)\b(_[A-Z]\w*|Plan'|Source\[|Fetch|Connection')")
"""From 3.13 on, Python names the class of attrs, in ``_make``, that has made a method."""
REPLACE = re.compile(r"^ \|  __replace__.*\n(?: \|  {4}.*\n)*", re.MULTILINE)
"""From 3.13 on, attrs gives all of its classes the same method. Its help names the last of these classes."""


@cache
def shown(what):
    """The text of help(), without a method of attrs."""
    return REPLACE.sub("", pydoc.plaintext.document(what))


def test_help_of_the_package_says_how_to_begin(monkeypatch):
    """A reader learns the purpose of the package, and how its names belong together."""
    monkeypatch.setattr(aiotofupilot, "__all__", ["Page"])  # the help of each name is looked at below
    text = shown(aiotofupilot)
    assert "TofuPilotSession() as session" in text
    assert "SUBMODULES" not in text


def test_help_shows_nothing_that_users_cannot_name():
    """No internal constructor, and no type that marks an option which was not given."""
    for what in (*PUBLIC, *map(type, LISTINGS)):
        assert NOT_FOR_USERS.search(shown(what)) is None, what


@pytest.mark.parametrize("made_by_list", [Paginator, Walk, type(TofuPilotSession("key").runs)])
def test_what_the_package_makes_has_no_constructor_in_its_signature(made_by_list):
    """Whoever reads the signature is not led to call it."""
    assert str(inspect.signature(made_by_list)).startswith("()")


def test_what_users_make_tells_its_types():
    """A value that is checked has the type of what it checks for."""
    assert "cursor: 'int' = 0, skip: 'int' = 0" in str(inspect.signature(Checkpoint))


def literals(cls):
    """Return what the string literals under the fields of a class of attrs say, by field."""
    (definition,) = ast.parse(inspect.cleandoc(inspect.getsource(cls))).body
    return {
        field.target.id: literal.value.value
        for field, literal in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(literal, ast.Expr)
        and isinstance(literal.value, ast.Constant)
    }


def test_each_field_is_documented_under_it():
    """It says what None means where the field can be None. The site shows it, and so do editors."""
    for model in filter(attrs.has, [*PUBLIC, *OF_THE_SANDBOX]):
        found = {}
        for cls in reversed([cls for cls in model.__mro__ if "__attrs_attrs__" in vars(cls)]):
            found |= literals(cls)
        fields = {field.name: str(field.type) for field in attrs.fields(model) if not field.name.startswith("_")}
        assert fields.keys() <= found.keys(), model
        assert [name for name, kind in fields.items() if "None" in kind and "None" not in found[name]] == [], model


def test_an_internal_constructor_still_works():
    """Only its signature is hidden."""

    class Made:
        @internal
        def __init__(self, parts):
            self.parts = parts

    assert Made(3).parts == 3
    assert list(inspect.signature(Made.__init__).parameters) == ["self"]


MODULES = [
    *("aiotofupilot", "aiotofupilot.models", "aiotofupilot.settings"),
    *("aiotofupilot.positions", "aiotofupilot.stats", "aiotofupilot.sandbox"),
    *("aiotofupilot.sandbox.faults", "aiotofupilot.sandbox.paging", "aiotofupilot.testing", "aiotofupilot.arrow"),
    *("aiotofupilot.dlt", "aiotofupilot.doctor", "aiotofupilot.mirror", "aiotofupilot.blocking"),
]
"""The modules from which programs import."""


def methods(cls):
    """Yield the public methods that a class defines itself, and its constructor, unless attrs has written it."""
    own = {name: getattr(value, "__func__", value) for name, value in vars(cls).items()}
    constructor = "__init__" if not attrs.has(cls) and not issubclass(cls, BaseException) else ""
    for name, value in own.items():
        if inspect.isfunction(value) and (name == constructor or not name.startswith("_")):
            yield value, f"{inspect.getdoc(cls)}\n{inspect.getdoc(value)}"


def callables():
    """Yield each function and method that programs may call, with its documentation."""
    for module in map(import_module, MODULES):
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value):
                yield from methods(value)
            elif inspect.isfunction(value):
                yield value, inspect.getdoc(value)


CALLABLES = list(callables())
"""Read before any fixture puts others in the place of some."""


def test_every_parameter_is_documented():
    """Each one has an entry, which says what None means if it can be None."""
    assert len(CALLABLES) > 110
    for function, text in CALLABLES:
        listed = "".join(re.findall(r"^(?:Args|Attributes):\n((?:    .*\n|\n)+)", f"{text}\n", re.MULTILINE))
        entries = dict(re.findall(r"^    (\w+): (.+(?:\n {8}.*)*)", listed, re.MULTILINE))
        parameters = inspect.signature(function).parameters.values()
        assert {parameter.name for parameter in parameters} - {"self", "cls"} <= entries.keys(), function
        optional = {parameter.name for parameter in parameters if "| None" in str(parameter.annotation)}
        assert {name for name in optional if "None" not in entries[name] and "As in" not in entries[name]} == set(), (
            function
        )
