"""What a listing takes is read off the annotations of a TypedDict. `test_every_listing` compares it with the API."""

import inspect
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal, Required, TypedDict, Unpack

import pytest

from aiotofupilot import Paginator, Procedure
from aiotofupilot.listings import Bounds, Listing, Runs


class Declared(TypedDict, total=False):
    procedure_id: Required[Annotated[str, "A procedure."]]
    search_query: Annotated[str | None, "A text.", Bounds(high=100)]
    outcomes: Annotated[Sequence[Literal["PASS", "FAIL"]] | None, "Outcomes. They are words."]
    run_count_min: Annotated[int | None, "At least so often.", Bounds(0)]
    limit: Annotated[int | None, "Items per page. Fewer are slower.", Bounds(1, 100)]
    metadata: Annotated[Mapping[str, str] | None, "Conditions."]
    created_after: Annotated[int | datetime | None, "Where to begin."]


class Words(Listing[Procedure]):
    def list(self, **arguments: Unpack[Declared]) -> Paginator[Procedure]:
        """List words.

        They are short.
        """
        return self._listed(arguments)


@pytest.mark.parametrize(
    ("name", "kind", "item_type", "choices"),
    [
        ("procedure_id", str, str, ()),
        ("search_query", str, str, ()),
        ("outcomes", Sequence[Literal["PASS", "FAIL"]], Literal["PASS", "FAIL"], ("PASS", "FAIL")),
        ("metadata", Mapping[str, str], Mapping[str, str], ()),
        ("created_after", int | datetime, int | datetime, ()),
    ],
)
def test_its_type_is_that_of_a_value(name, kind, item_type, choices):
    (argument,) = (argument for argument in Words.filters if argument.name == name)
    assert (argument.type, argument.item_type, argument.choices) == (kind, item_type, choices)
    assert argument.is_repeated is (name == "outcomes")
    assert argument.is_required is not argument.is_optional is (name != "procedure_id")


def test_a_method_is_described_by_its_arguments():
    """Their documentation has their bounds and what None means."""
    own, *parameters = inspect.signature(Words.list).parameters.values()
    assert own.name == "self"
    assert str(parameters[0]) == "procedure_id: str"
    outcomes = next(parameter for parameter in parameters if parameter.name == "outcomes")
    assert str(outcomes) == "outcomes: collections.abc.Sequence[typing.Literal['PASS', 'FAIL']] | None = None"
    assert inspect.getdoc(Words.list).startswith(
        "List words. Nothing is sent before the listing is used.\n\nThey are short.\n\n"
        "Where a filter takes several values, an item has to match one of them. None and an empty list are no filter.\n"
        "Date-times are timezone-aware; fractions of a millisecond are rounded so that they leave no item out."
        "\n\nArgs:\n    procedure_id: A procedure.\n"
    )
    for entry in (
        "search_query: A text, at most 100 characters as UTF-16 counts them.",
        "outcomes: Outcomes. They are words.",
        "run_count_min: At least so often, 0 or more.",
        "limit: Items per page, 1 to 100. Fewer are slower.",
    ):
        assert f"\n    {entry}\n" in inspect.getdoc(Words.list)
    sequences = "include_sequences: Whether runs come with the sequences at their top level. None: ``False``."
    assert f"\n    {sequences}\n" in inspect.getdoc(Runs.list)
    assert "\n\nRaises:\n    TypeError: " in inspect.getdoc(Words.list)


@pytest.mark.parametrize(
    ("annotation", "complaint"),
    [
        (Annotated[str, "A name.", "Another text."], r"names is annotated with 'Another text\.', which nothing reads"),
        (
            Annotated[Sequence[str] | None, "Names.", Bounds(high=20)],
            "names takes several values, and bounds are those of a single one",
        ),
    ],
)
def test_what_is_not_clear_is_refused(annotation, complaint):
    """Bounds could be those of a value, or say how many there are."""

    class Wrong(TypedDict):
        names: annotation

    def listed(self, **arguments: Unpack[Wrong]) -> Paginator[Procedure]:
        return self._listed(arguments)

    with pytest.raises(TypeError, match=complaint):
        type("Wrong", (Listing,), {"list": listed, "__orig_bases__": (Listing[Procedure],)})
