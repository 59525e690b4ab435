"""What a listing takes is read off the annotations of a TypedDict. `test_every_listing` compares it with the API."""

from collections.abc import Sequence
from typing import Annotated, TypedDict, Unpack

import pytest

from aiotofupilot import Paginator, Procedure
from aiotofupilot.listings import Bounds, Listing


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
