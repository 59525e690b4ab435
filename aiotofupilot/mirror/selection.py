"""Which listings a mirror brings up to date, and with which filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from attrs import frozen

from aiotofupilot._arguments import for_parameter, one_of
from aiotofupilot.listings import NAMES, listing_class, part_filters
from aiotofupilot.listings._encoding import query_of

from .tables import DETAILED, OF_RUNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def is_ordered(name: str) -> bool:
    """Return whether a listing can be requested by its creation, oldest first. These are runs, units and batches."""
    declared = listing_class(name)
    return declared.creation_filter is not None and declared.oldest_first == declared.creation_field


@frozen
class Selection:
    """Some listings, and the filters that they have in common."""

    listings: tuple[str, ...]
    """The listings, in the order in which they are read. Runs are among them if something that runs wrote is."""
    filters: Mapping[str, Any]
    """The filters, by the names of `part_filters`."""
    details: bool
    """Whether the details of runs are among it. Then runs are among the listings."""

    @classmethod
    def of(
        cls, listings: Iterable[str] | None, filters: Mapping[str, Any] | None, *, details: bool = False
    ) -> Selection:
        """Return a selection, after checking these arguments of a `Mirror`."""
        given = {name: value for name, value in (filters or {}).items() if value is not None}
        if unknown := sorted(given.keys() - set().union(*map(part_filters, NAMES))):
            raise for_parameter(ValueError(f"filters: no listing takes {unknown[0]!r}"), "filters")
        if isinstance(listings, str):
            raise for_parameter(TypeError(f"listings must be several names, got {listings!r}"), "listings")
        if listings is None:
            names = {name for name in NAMES if given.keys() <= part_filters(name).keys()}
        else:
            names = {one_of("listings", name, NAMES) for name in listings}
        if not names:
            together = ", ".join(sorted(given)) if listings is None else repr(listings)
            raise for_parameter(ValueError(f"listings must not be empty: no listing takes {together}"), "listings")
        for name in sorted(names, key=NAMES.index):
            if lacking := sorted(given.keys() - part_filters(name).keys()):
                message = f"filters: {name} do not take {lacking[0]!r}, so leave {name} out, or the filter"
                raise for_parameter(ValueError(message), "filters")
        if details or names & set(OF_RUNS):
            names.add("runs")
        selection = cls(tuple(name for name in NAMES if name in names), given, details)
        for name in selection.listings:
            selection.text(name)  # refuses values that no listing takes
        return selection

    @property
    def tables(self) -> tuple[str, ...]:
        """The listings, and the tables of details if details are selected."""
        return (*self.listings, *DETAILED) if self.details else self.listings

    def text(self, name: str) -> str:
        """Return the filters of a listing as the text that is kept in the database, whatever their order."""
        listing = "runs" if name in OF_RUNS or name in DETAILED else name
        return urlencode(sorted(query_of(listing_class(listing).filters, self.arguments(listing))))

    def arguments(self, name: str) -> dict[str, Any]:
        """Return the filters as arguments of a listing that is not one of what runs wrote."""
        names = part_filters(name)
        return {names[given].name: value for given, value in self.filters.items()}
