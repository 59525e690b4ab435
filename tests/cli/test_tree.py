"""One item, with a line for each field and for each part of a field."""

import pytest
from attrs import evolve
from fakes.wire_details import DETAILS, EXAMPLES, MODELS
from rich.cells import cell_len

from aiotofupilot import (
    BatchUnit,
    Operator,
    ProcedureDetails,
    RecentRun,
    RecentUnit,
    RunConfig,
    from_wire,
    to_wire,
)
from aiotofupilot.cli.get import tree
from aiotofupilot.testing import make

RUN = from_wire(EXAMPLES["runs"][0], MODELS["runs"])


def shown(item, width=None):
    return tree(item, width)


def texts(value):
    """Yield every text in a document."""
    match value:
        case str():
            yield value
        case dict() | list() | tuple():
            for each in value.values() if isinstance(value, dict) else value:
                yield from texts(each)


@pytest.mark.parametrize(("name", "model", "example"), DETAILS, ids=[name for name, *_ in DETAILS])
def test_every_item_is_shown_without_secrets(name, model, example):
    item = from_wire(example, model)
    told = shown(item)
    assert item.id in told if name != "whoami" else item.organization.name in told
    public, whole = (set(texts(to_wire(item, with_secrets=secrets))) for secrets in (False, True))
    assert not [secret for secret in whole - public if secret in told]


def test_of_many_parts_the_first_are_shown():
    units = tuple(make(BatchUnit, serial_number=f"SN-{number}") for number in range(1250))
    lines = shown(evolve(from_wire(EXAMPLES["batches"][0], MODELS["batches"]), units=units)).split("\n")
    at = lines.index("units (1,250)")
    assert [line.split()[0] for line in lines[at + 1 : at + 101]] == [f"SN-{number}" for number in range(100)]
    assert lines[at + 101] == "  and 1,150 more"


def test_nothing_that_is_said_is_dropped_for_being_false():
    """A number that is 0 is not said of what has no name for it, such as the size of a file that is not known."""
    config = (make(RunConfig, key="limit", value=0), make(RunConfig, key="verbose", value=False))
    lines = shown(evolve(RUN, config=config)).split("\n")
    assert [line.split()[:2] for line in lines if "limit" in line or "verbose" in line] == [
        ["limit", "0"],
        ["verbose", "no"],
    ]


def test_a_part_of_which_nothing_is_known_is_a_dash():
    """The API may say of an operator nothing at all, and a text may be empty."""
    for identity, told in ((None, "-"), ("o-1", "o-1")):
        operator = Operator(identity, None, None)
        assert f"operated by{' ' * 9}{told}" in shown(evolve(RUN, operated_by=operator)).split("\n")
    procedure = make(ProcedureDetails, recent_runs=(make(RecentRun, unit=RecentUnit("")),))
    assert "recent runs (1)" in shown(procedure).split("\n")


def test_a_line_is_a_line():
    """Whatever a server writes into a text."""
    lines = shown(evolve(RUN, docstring="One\n  two\x1b[31m", slot_name="\u202eX")).split("\n")
    assert "docstring           One two�[31m" in lines
    assert "slot name           �X" in lines


def test_wide_characters_are_cut_where_the_terminal_ends():
    run = evolve(RUN, attachments=(evolve(RUN.attachments[0], name="批" * 100),))
    (line,) = [line for line in shown(run, 41).split("\n") if "批" in line]
    assert cell_len(line) <= 41
    assert line.endswith("批…")
