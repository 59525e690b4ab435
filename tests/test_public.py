"""The names of the package are loaded when they are used."""

import ast
import inspect
import subprocess
import sys
from functools import cache
from importlib import import_module

import pytest

import aiotofupilot
from aiotofupilot import listings, models, testing

HEAVY = {"aiohttp", "attr", "attrs", "cattrs", "msgspec", "tenacity", "asyncio"}


@cache
def run(program):
    """Run a program in a Python of its own; every warning is an error."""
    return subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-W", "error", "-c", program], check=True, capture_output=True, text=True
    ).stdout


def loaded_by(statement):
    """Tell which modules a statement imports."""
    return set(run(f"{statement}\nimport sys\nprint(*sys.modules)").split())


@pytest.mark.parametrize("package", [aiotofupilot, testing])
def test_what_type_checkers_see_is_what_runs(package):
    """What is imported for type checkers is there at run time too."""
    (block,) = [node for node in ast.parse(inspect.getsource(package)).body if isinstance(node, ast.If)]
    defining = {}
    for node in block.body:
        if node.module is not None:  # a module of the package is one of its attributes
            module = import_module(f"{package.__name__}.{node.module}")
            names = [alias.name for alias in node.names]
            defining |= dict.fromkeys(module.__all__ if names == ["*"] else names, module)
    assert sorted(defining) == package.__all__
    for name, module in defining.items():
        assert getattr(package, name) is getattr(module, name)
    assert package is testing or set(models.__all__) - {"wire_name"} <= set(defining)


def test_an_unknown_name_is_an_attribute_error_with_a_suggestion():
    """A name that the package has not is refused as by any module, and Python can say which one was meant."""
    with pytest.raises(AttributeError, match="module 'aiotofupilot' has no attribute 'Procedures'") as caught:
        aiotofupilot.Procedures  # noqa: B018 - the attribute access is what is tested
    assert caught.value.name == "Procedures"
    assert caught.value.obj is aiotofupilot
    with pytest.raises(AttributeError, match="no attribute 'Any'"):
        aiotofupilot.Any  # noqa: B018 - its modules have it, and do not export it
    with pytest.raises(ImportError, match="Procedures"):
        from aiotofupilot import Procedures  # noqa: F401, PLC0415 - it is not there


@pytest.mark.parametrize("program", ["import aiotofupilot", "from aiotofupilot import _public"])
def test_dir_lists_what_can_be_asked_for(program):
    """`dir()` and completion know every public name before it is loaded."""
    names = run(f"{program}\nimport aiotofupilot\nprint(*dir(aiotofupilot))").split()
    assert set(aiotofupilot.__all__) | {"errors", "models", "__all__"} <= set(names)
    assert names == sorted(set(names))


@pytest.mark.parametrize(
    ("statement", "packages"),
    [
        ("import aiotofupilot", set()),
        ("from aiotofupilot import Procedure", {"attr", "attrs"}),
        ("from aiotofupilot import TofuPilotSession", HEAVY - {"cattrs", "msgspec", "tenacity"}),
    ],
)
def test_a_name_loads_what_it_needs(statement, packages):
    """The package alone loads nothing, and a model loads only attrs.

    cattrs is loaded for the first page, and tenacity for the first retry.
    """
    assert loaded_by(statement) & HEAVY == packages


def test_a_session_loads_no_listing_and_no_items():
    """They are loaded when something is listed."""
    loaded = loaded_by("from aiotofupilot import TofuPilotSession")
    assert "aiotofupilot._session" in loaded
    assert not [name for name in loaded if name.startswith(("aiotofupilot._paging.", "aiotofupilot.listings."))]
    assert not {"aiotofupilot.models.items", "aiotofupilot.models.refs"} & loaded
    assert not {"dlt", "duckdb", "pyarrow"} & loaded


@pytest.mark.parametrize("statement", ["from aiotofupilot import Identity", "import aiotofupilot.mirror"])
def test_models_of_details_are_loaded_for_details_alone(statement):
    """They take a while, and a mirror that has no details asks each time whose key it has."""
    assert "aiotofupilot.models.details" not in loaded_by(statement)


def test_threads_may_ask_at_once():
    """The first uses of a name may coincide. `from aiotofupilot import *` finds every public name afterwards."""
    program = """
import threading
import aiotofupilot
barrier, found = threading.Barrier(8), []
def ask():
    barrier.wait()
    found.append(aiotofupilot.TofuPilotSession)
threads = [threading.Thread(target=ask) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(found), len(set(found)), aiotofupilot.errors.DecodeError is aiotofupilot.DecodeError)
from aiotofupilot import *
print(TofuPilotSession is found[0], Walk.__name__)
"""
    assert run(program) == "8 1 True\nTrue Walk\n"


def test_a_listing_is_loaded_when_it_is_asked_for():
    """A program pays for the listings that it uses, and for their models. None of them loads aiohttp."""
    program = """
import sys
from aiotofupilot import listings

LISTINGS = {"procedures", "runs", "stations"}

def loaded():
    return {name.rpartition(".")[2] for name in sys.modules if name.startswith("aiotofupilot.listings.")} & LISTINGS

print(loaded(), set(listings.__all__) <= set(dir(listings)))
listings.Users
print(loaded(), "aiohttp" in sys.modules)
from aiotofupilot import TofuPilotSession
TofuPilotSession("key").runs
print(sorted(loaded()))
"""
    assert run(program) == "set() True\n{'stations'} False\n['runs', 'stations']\n"


def test_a_name_that_no_module_holds_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"module 'aiotofupilot\.listings' has no attribute 'Nothing'"):
        _ = listings.Nothing


def test_a_session_has_the_listings_of_the_public_classes():
    """`session.runs` is a `Runs`. It cannot be set, and its help is that of the class."""

    class Own(aiotofupilot.TofuPilotSession):
        """It has a dictionary of attributes."""

    session = Own("key")
    for name in listings.NAMES:
        listing_class = getattr(listings, name.capitalize())
        assert type(getattr(session, name)) is listing_class is listings.listing_class(name)
        assert inspect.getdoc(getattr(aiotofupilot.TofuPilotSession, name)) == inspect.getdoc(listing_class)
        assert inspect.isdatadescriptor(vars(listings.Listings)[name]), "help() shows its documentation, and no value"
        with pytest.raises(AttributeError, match=f"{name} cannot be set"):
            setattr(session, name, None)
