"""The listings of TofuPilot: paths, models, and the arguments of ``list()``.

`TofuPilotSession` has the listings of `Listings`: ``session.runs`` is a `Runs`. A listing's `filters` come from the
TypedDict of its ``list()``. The query, ``help()`` and the command's options are made from them.

- `procedures`, `runs`, `units` and `stations` have the listings.
- `_arguments` reads a TypedDict, and has the shared options and filters.
- `_encoding` checks arguments, and turns filters into a query.
- `_items` requests single items.
- `_base` has the base class of all listings, and their queries.

A listing is loaded on first use. No listing loads aiohttp.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, Unpack, overload

from aiotofupilot import _public
from aiotofupilot._checks import for_parameter
from aiotofupilot.positions import Shard

if TYPE_CHECKING:
    from aiotofupilot._paging.paginator import Paginator
    from aiotofupilot._paging.source import Identified

    from ._arguments import Argument, Bounds, Options, PageOptions
    from ._base import Listing
    from ._items import Connection, Detailed
    from .procedures import Deployments, Procedures
    from .runs import Logs, Measurements, Phases, Runs
    from .stations import Stations, Users
    from .units import Batches, Parts, Units

__all__ = [
    "NAMES",
    "Argument",
    "Batches",
    "Bounds",
    "Deployments",
    "Detailed",
    "Listing",
    "Listings",
    "Logs",
    "Measurements",
    "Options",
    "PageOptions",
    "Parts",
    "Phases",
    "Procedures",
    "Runs",
    "Stations",
    "Units",
    "Users",
    "is_compared",
    "listing_class",
    "part_filters",
]

L = TypeVar("L", bound="Listing[Any]")
T = TypeVar("T", bound="Identified")


def listing_class(name: str) -> type[Listing[Any]]:
    """Return the class of a listing, by its name in `NAMES`."""
    attribute: Attribute[Any] = vars(Listings)[name]
    return attribute.load()


def is_compared(name: str) -> bool:
    """Return whether a listing has to be read whole and compared, because the API has no filter for new items."""
    declared = listing_class(name)
    return declared.creation_filter is None and declared.by_run is None


def part_filters(name: str) -> dict[str, Argument]:
    """Return the filters that select a part of a listing, under names that all listings share.

    ``created_after`` and ``created_before`` bound the creation, whatever the listing calls it. Items of runs are
    selected by their runs, so their listings have the filters of runs.
    """
    declared = listing_class(name)
    if declared.by_run is not None:
        return part_filters("runs")
    shared = {f"{declared.creation_filter}_{end}": f"created_{end}" for end in ("after", "before")}
    return {
        shared.get(argument.name, argument.name): argument
        for argument in declared.filters
        if not argument.name.startswith(("sort_", "include_"))
    }


class Attribute(Generic[L]):
    """A session's attribute: the listing of the same name, in a module of this package."""

    def __init__(self, module: str) -> None:
        self.module = module

    def __set_name__(self, owner: type[Listings], name: str) -> None:
        self._name = name

    def load(self) -> type[L]:
        """Return the class of the listing."""
        found: type[L] = getattr(import_module(f".{self.module}", __name__), self._name.capitalize())
        return found

    @property
    def __doc__(self) -> str | None:  # type: ignore[override] # pydoc reads it
        return self.load().__doc__

    @overload
    def __get__(self, session: None, owner: type[Listings]) -> Self: ...
    @overload
    def __get__(self, session: Listings, owner: type[Listings]) -> L: ...
    def __get__(self, session: Listings | None, owner: type[Listings]) -> Self | Listing[Any]:
        return self if session is None else self.load()(session._connection)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - a part of the session

    def __set__(self, session: Listings, value: object) -> None:  # help() shows what can be set as an attribute
        raise AttributeError(f"{self._name} cannot be set", name=self._name, obj=session)


class Listings:
    """The listings of a session, by the API's names. Runs precede their items."""

    __slots__ = ()

    procedures: Attribute[Procedures] = Attribute("procedures")
    runs: Attribute[Runs] = Attribute("runs")
    units: Attribute[Units] = Attribute("units")
    parts: Attribute[Parts] = Attribute("units")
    batches: Attribute[Batches] = Attribute("units")
    stations: Attribute[Stations] = Attribute("stations")
    users: Attribute[Users] = Attribute("stations")
    deployments: Attribute[Deployments] = Attribute("procedures")
    logs: Attribute[Logs] = Attribute("runs")
    measurements: Attribute[Measurements] = Attribute("runs")
    phases: Attribute[Phases] = Attribute("runs")

    def list(self, shard: Shard[T], **options: Unpack[PageOptions]) -> Paginator[T]:
        """List the items of a shard. Nothing is sent before the result is used.

        Shards listed at the same time share the server's rate limit, so divide the concurrency among them.

        Args:
            shard: A part of a listing, from ``listing.shards(n)``, in this or another process.
            options: As in the ``list()`` of the listing. A `Checkpoint` must be of the same shard.

        Raises:
            TypeError: An argument is of the wrong type, or the listing has no such option.
            ValueError: An argument is out of bounds, or a checkpoint is of another listing, query or shard. Or there is
                no such listing, or a time of the shard cannot be requested.
        """
        if not isinstance(shard, Shard):  # pyright: ignore[reportUnnecessaryIsInstance] - a caller may pass a string
            message = f"shard must be a Shard, got {shard!r}: use Shard.parse() for a text"
            raise for_parameter(TypeError(message), "shard")
        if shard.listing not in NAMES:
            message = f"shard is a part of {shard.listing}, and there is no such listing"
            raise for_parameter(ValueError(message), "shard")
        part: Paginator[T] = listing_class(shard.listing)(self._connection).part(shard, **options)
        return part

    if TYPE_CHECKING:

        @property
        def _connection(self) -> Connection:
            """The connection with the session's options."""
            ...


NAMES = tuple(name for name, value in vars(Listings).items() if isinstance(value, Attribute))
"""The names of the listings."""


if not TYPE_CHECKING:  # pragma: no branch - hidden from type checkers, because they would then accept any name
    _NAMES = {"_base": ["Listing"], "_items": ["Detailed"]}
    _NAMES["_arguments"] = ["Argument", "Bounds", "Options", "PageOptions"]
    for _name in NAMES:
        _NAMES.setdefault(vars(Listings)[_name].module, []).append(_name.capitalize())
    __getattr__, __dir__ = _public.lazy(__name__, _NAMES)
