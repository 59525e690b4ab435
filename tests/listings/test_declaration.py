"""What a listing takes is read off the annotations of a TypedDict."""

import inspect
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal, Required, TypedDict, Unpack

import pytest

from aiotofupilot.listings._declaration import Argument, Bounds, Default, ServerDefault, arguments_of, describe


class Shared(TypedDict, total=False):
    limit: Annotated[int, "Items per page. Fewer are slower.", Bounds(1, 100), Default(100)]


class Declared(Shared, total=False):
    procedure_id: Required[Annotated[str, "A procedure."]]
    search_query: Annotated[str | None, "A text.", Bounds(high=100)]
    outcomes: Annotated[Sequence[Literal["PASS", "FAIL"]] | None, "Outcomes."]
    run_count_min: Annotated[int | None, "At least so often.", Bounds(0)]
    metadata: Annotated[Mapping[str, str] | None, "Conditions."]
    include_metadata: Annotated[bool | None, "Whether metadata comes.", ServerDefault(value=False)]
    cursor: Annotated[int | datetime | None, "Where to begin."]


ARGUMENTS = {argument.name: argument for argument in arguments_of(Declared)}


def test_an_argument_is_what_its_annotation_says():
    assert list(ARGUMENTS) == ["limit", *(name for name in Declared.__annotations__ if name != "limit")]
    assert ARGUMENTS["limit"] == Argument(
        name="limit", annotation=int, doc="Items per page. Fewer are slower.", bounds=Bounds(1, 100), default=100
    )
    assert ARGUMENTS["procedure_id"] == Argument(
        name="procedure_id", annotation=str, doc="A procedure.", is_required=True
    )
    assert ARGUMENTS["include_metadata"].server_default is False
    assert ARGUMENTS["include_metadata"].default is None


@pytest.mark.parametrize(
    ("name", "kind", "item_type", "is_repeated", "choices"),
    [
        ("limit", int, int, False, ()),
        ("search_query", str, str, False, ()),
        ("outcomes", Sequence[Literal["PASS", "FAIL"]], Literal["PASS", "FAIL"], True, ("PASS", "FAIL")),
        ("metadata", Mapping[str, str], Mapping[str, str], False, ()),
        ("cursor", int | datetime, int | datetime, False, ()),
    ],
)
def test_its_type_is_that_of_a_value(name, kind, item_type, is_repeated, choices):
    argument = ARGUMENTS[name]
    assert (argument.type, argument.item_type) == (kind, item_type)
    assert (argument.is_repeated, argument.choices) == (is_repeated, choices)
    assert argument.is_optional is (name != "limit")


@pytest.mark.parametrize(
    ("name", "doc"),
    [
        ("limit", "Items per page, 1 to 100. Fewer are slower."),
        ("search_query", "A text, at most 100 characters as UTF-16 counts them."),
        ("run_count_min", "At least so often, 0 or more."),
        ("include_metadata", "Whether metadata comes. None: ``False``."),
        ("procedure_id", "A procedure."),
    ],
)
def test_its_documentation_has_its_bounds_and_what_none_means(name, doc):
    assert ARGUMENTS[name].full_doc == doc


def test_what_nothing_reads_is_refused():
    class Wrong(TypedDict):
        name: Annotated[str, "A name.", "Another text."]

    with pytest.raises(TypeError, match=r"name is annotated with 'Another text\.', which nothing reads"):
        arguments_of(Wrong)


def test_bounds_of_a_filter_that_takes_several_values_are_refused():
    """It is not clear whether they bound a value or how many there are."""

    class Wrong(TypedDict):
        names: Annotated[Sequence[str] | None, "Names.", Bounds(high=20)]

    with pytest.raises(TypeError, match="names takes several values, and bounds are those of a single one"):
        arguments_of(Wrong)


def test_a_method_is_described_by_its_arguments():
    def method(self, **arguments: Unpack[Declared]) -> list[str]:
        """List words.

        They are short.
        """

    describe(method, [ARGUMENTS["procedure_id"], ARGUMENTS["outcomes"]], [ARGUMENTS["limit"]])
    assert str(inspect.signature(method)) == (
        "(self, *, procedure_id: str, "
        "outcomes: collections.abc.Sequence[typing.Literal['PASS', 'FAIL']] | None = None, "
        "limit: int = 100) -> list[str]"
    )
    assert inspect.getdoc(method).startswith(
        "List words. Nothing is sent before the listing is used.\n\nThey are short.\n\n"
        "Where a filter takes several values, an item has to match one of them. None and an empty list are no filter.\n"
        "Date-times are timezone-aware; fractions of a millisecond are rounded so that they leave no item out."
        "\n\nArgs:\n    procedure_id: A procedure.\n    outcomes: Outcomes.\n"
        "    limit: Items per page, 1 to 100. Fewer are slower.\n\nRaises:\n    TypeError: "
    )
