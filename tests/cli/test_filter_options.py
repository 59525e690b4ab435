"""The options of a listing are read off its own declaration."""

import inspect
import re

import pytest
from cyclopts import UnknownOptionError

from aiotofupilot.cli import command_line
from aiotofupilot.cli.listing import listing_command
from aiotofupilot.cli.options import option
from aiotofupilot.listings import NAMES, listing_class


def filters_of(listing):
    parameters = inspect.signature(listing_command(listing)).parameters
    return {argument.name: parameters[argument.name] for argument in listing_class(listing).filters}


def help_of(listing):
    return listing_command(listing).__doc__


def test_a_flag_that_the_api_takes_for_false_anyway_has_no_option_that_says_so():
    app = command_line()
    for flag in ("latest-only", "include-metadata", "exclude-units-with-parent"):
        app.parse_args(["units", f"--{flag}"])
        with pytest.raises(UnknownOptionError):
            app.parse_args(["units", f"--no-{flag}"])
    app.parse_args(["phases", "--no-exclude-retries", "--procedure-id", "x"])
    app.parse_args(["deployments", "--no-pushed"])


def test_the_summary_is_one_sentence():
    for listing in NAMES:
        summary = listing_class(listing).summary
        assert summary.startswith("List ")
        assert summary.count(".") == 1
        assert help_of(listing).startswith(summary)


def test_a_note_speaks_of_options_that_the_command_has():
    noted = set()
    for listing in NAMES:
        note = help_of(listing).partition("An option marked")[0]
        spoken = set(re.findall(r"--[a-z-]+", note))
        how = {option(argument.name) for argument in listing_class("runs").options}
        assert spoken <= {option(name) for name in filters_of(listing)} | how
        noted |= spoken
    assert {"--latest-only", "--exclude-retries", "--timestamp-after"} <= noted


def test_help_explains_the_forms_that_its_options_take_and_no_others():
    """DATE, DURATION and repetition are explained where an option takes them."""
    for listing in NAMES:
        shown = help_of(listing)
        metavars = {option.annotation.__metadata__[0].metavar or "" for option in filters_of(listing).values()}
        assert ("DATE is" in shown) == ("DATE" in metavars)
        assert ("DURATION is" in shown) == ("DURATION" in metavars)
        assert ("CONDITION is" in shown) == ("CONDITION..." in metavars)
        assert ("marked with ..." in shown) == any(metavar.endswith("...") for metavar in metavars)


def test_help_names_every_option_and_speaks_no_python():
    """A shell knows neither None nor backticks."""
    python = re.compile("None|False|True|`|empty list|timezone-aware|Error")
    for listing in NAMES:
        command = command_line()[listing]
        shown = [each for each in command.assemble_argument_collection(parse_docstring=True) if each.show]
        parameters = [argument.parameter for argument in shown]
        assert all(parameter.help for parameter in parameters)
        shown = "\n".join([command.help, *(parameter.help for parameter in parameters)])
        assert not python.findall(shown)
        arguments = (*listing_class(listing).filters, *listing_class(listing).options)
        wanted = {option(argument.name) for argument in arguments if argument.name != "extra_query"}  # for programs
        assert wanted <= {name for parameter in parameters for name in parameter.name}
