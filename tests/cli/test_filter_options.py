"""The options of a listing are read off its own `list()`."""

import inspect
import re

import pytest

from aiotofupilot import TofuPilotSession, _listings, listings
from aiotofupilot.cli.columns import columns_of
from aiotofupilot.cli.filter_options import described, option
from aiotofupilot.cli.listings import LISTINGS

SHARED = {"self", "limit", "cursor", "max_items", "concurrency", "on_drift", "on_unreadable"}


def own_parameters(listing):
    kind = type(getattr(TofuPilotSession("key"), listing))
    return [name for name in inspect.signature(kind.list).parameters if name not in SHARED]


@pytest.mark.parametrize("listing", LISTINGS)
def test_every_filter_is_an_option_with_a_help(listing):
    """Its name is the API's own, with hyphens."""
    parameters = described(listing).parameters
    assert list(parameters) == own_parameters(listing)
    for name, parameter in parameters.items():
        (details,) = parameter.annotation.__metadata__
        assert option(name) in details.name
        assert details.help
        assert "None:" not in details.help
        assert (parameter.default is inspect.Parameter.empty) == (name == "procedure_id")


@pytest.mark.parametrize("listing", LISTINGS)
def test_the_summary_is_one_sentence(listing):
    summary = LISTINGS[listing].summary
    assert summary.startswith("List ")
    assert summary.count(".") == 1
    assert inspect.getdoc(getattr(listings, listing.capitalize()).list).startswith(summary)


@pytest.mark.parametrize("listing", LISTINGS)
def test_a_note_speaks_of_options_that_the_command_has(listing):
    has = {option(name) for name in described(listing).parameters}
    negative = {f"--no-{name.removeprefix('--')}" for name in has}
    assert set(re.findall(r"--[a-z-]+", LISTINGS[listing].note)) <= has | negative


@pytest.mark.parametrize("listing", LISTINGS)
def test_help_explains_the_forms_that_its_options_take_and_no_others(listing):
    """DATE, DURATION and repetition are explained where an option takes them."""
    told = described(listing)
    metavars = {parameter.annotation.__metadata__[0].metavar or "" for parameter in told.parameters.values()}
    assert ("DATE is" in told.forms) == ("DATE" in metavars)
    assert ("DURATION is" in told.forms) == ("DURATION" in metavars)
    assert ("..." in told.forms) == any(metavar.endswith("...") for metavar in metavars)


@pytest.mark.parametrize("listing", LISTINGS)
def test_a_table_has_a_few_columns_and_fits_a_narrow_terminal(listing):
    columns = columns_of(listing).columns
    assert 4 <= len(columns) <= 6
    assert sorted(column.leaves for column in columns) == list(range(len(columns)))
    assert max(column.width for column in columns if column.leaves) < 40


def test_every_listing_of_the_library_has_a_command():
    """None is forgotten."""
    assert {name.lower() for name in _listings.__all__} == set(LISTINGS)
