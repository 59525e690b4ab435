"""What help(), signatures and pytest see of the package."""

import inspect
import pydoc
import re

import pytest

import aiotofupilot
from aiotofupilot import Checkpoint, Paginator, TofuPilotSession, Walk
from aiotofupilot._documentation import NotRewritten, internal

PUBLIC = [getattr(aiotofupilot, name) for name in aiotofupilot.__all__]
LISTINGS = [value for name in dir(TofuPilotSession) if hasattr(value := getattr(TofuPilotSession("key"), name), "list")]
NOT_FOR_USERS = re.compile(r"(?<!_make\.)\b(_[A-Z]\w*|Plan'|Source\[|Fetch|Connection')|PYTEST_DONT_REWRITE")
"""From 3.13 on, Python names the class of attrs, in ``_make``, that has made a method."""


def shown(what):
    """The text of help(), without what Python itself says of its classes."""
    return pydoc.plaintext.document(what)


def test_help_of_the_package_says_nothing_to_pytest():
    """A reader learns the purpose of the package, and how its names belong together."""
    text = shown(aiotofupilot)
    assert "PYTEST" not in text
    assert "TofuPilotSession() as session" in text
    assert "SUBMODULES" not in text


@pytest.mark.parametrize("what", [*PUBLIC, *map(type, LISTINGS)], ids=lambda what: what.__name__)
def test_help_shows_nothing_that_users_cannot_name(what):
    """No internal constructor, and no type that marks an option which was not given."""
    assert NOT_FOR_USERS.search(shown(what)) is None


@pytest.mark.parametrize("made_by_list", [Paginator, Walk, type(TofuPilotSession("key").runs)])
def test_what_the_package_makes_has_no_constructor_in_its_signature(made_by_list):
    """Whoever reads the signature is not led to call it."""
    assert str(inspect.signature(made_by_list)).startswith("()")


def test_what_users_make_tells_its_types():
    """A value that is checked has the type of what it checks for."""
    assert "cursor: 'int' = 0, skip: 'int' = 0" in str(inspect.signature(Checkpoint))


def test_an_internal_constructor_still_works():
    """Only its signature is hidden."""

    class Made:
        @internal
        def __init__(self, parts):
            self.parts = parts

    assert Made(3).parts == 3
    assert list(inspect.signature(Made.__init__).parameters) == ["self"]


def test_a_docstring_for_pytest_is_a_string_otherwise():
    """It claims to have the word that pytest looks for, and no other word."""
    docstring = NotRewritten("Stream it.")
    assert "PYTEST_DONT_REWRITE" in docstring
    assert "Stream" in docstring
    assert "PYTEST" not in docstring
    assert 3 not in docstring
    assert docstring == "Stream it."
