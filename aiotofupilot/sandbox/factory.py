"""The factory whose data the sandbox lists. It has the items of every listing."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, Self, TypedDict, TypeVar, cast, overload

from aiotofupilot.models import MODELS

from .pieces import Pieces
from .resources import BATCHES, DEPLOYMENTS, LOGS, MEASUREMENTS, PARTS, PHASES, RUNS, STATIONS, UNITS, USERS
from .rows import Rows
from .world import World

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from aiotofupilot.models import (
        Batch,
        Deployment,
        Log,
        Measurement,
        Part,
        Phase,
        Procedure,
        Run,
        Station,
        Unit,
        User,
    )

    from .resource import Resource

__all__ = ["Factory", "Items"]

T = TypeVar("T")


class Items(TypedDict, total=False):
    """Items to list instead of made-up ones."""

    units: Iterable[Unit]
    parts: Iterable[Part]
    batches: Iterable[Batch]
    stations: Iterable[Station]
    users: Iterable[User]
    deployments: Iterable[Deployment]
    logs: Iterable[Log]
    measurements: Iterable[Measurement]
    phases: Iterable[Phase]


def _checked(name: str, items: Iterable[object]) -> tuple[Any, ...]:
    """Return the items that were given for a listing, each of its model."""
    given, model = tuple(items), MODELS[name]
    for place, item in enumerate(given):
        if not isinstance(item, model):
            raise TypeError(
                f"{name}[{place}] must be of the class {model.__name__}, got {type(item).__name__}; "
                "from_wire makes items of what JSON holds"
            )
    return given


class Collection(Generic[T]):
    """A descriptor for the rows of one listing. They are made up when the attribute is first read."""

    def __init__(self, resource: Resource[T]) -> None:
        self._resource = resource

    @overload
    def __get__(self, factory: None, owner: type[Factory]) -> Self: ...
    @overload
    def __get__(self, factory: Factory, owner: type[Factory]) -> Rows[T]: ...
    def __get__(self, factory: Factory | None, owner: type[Factory]) -> Rows[T] | Self:
        return self if factory is None else factory.rows(self._resource)


class Factory:
    """The items of all listings. You may add, remove and replace items at any time. The next answer has the change.

    Rows are in the order in which they are listed if the request asks for no other order. Made-up items refer to each
    other: the unit, the phases and the logs of a run are listed too. A change of one listing does not change the
    others.

    An item is made up when it is read, so a million runs take no time and no memory. But a filter or a sort order may
    have to look at every item once.

    Attributes:
        procedures: The procedures, in the listing's order.
    """

    runs = Collection(RUNS)
    units = Collection(UNITS)
    parts = Collection(PARTS)
    batches = Collection(BATCHES)
    stations = Collection(STATIONS)
    users = Collection(USERS)
    deployments = Collection(DEPLOYMENTS)
    logs = Collection(LOGS)
    measurements = Collection(MEASUREMENTS)
    phases = Collection(PHASES)

    def __init__(
        self,
        procedures: Iterable[Procedure] = (),
        *,
        runs: int | Iterable[Run] = 0,
        seed: int = 0,
        nulls: bool = True,
        **items: Unpack[Items],
    ) -> None:
        """Describe a factory.

        Args:
            procedures: Procedures, in the listing's order. The first 16 of them have runs.
            runs: How many runs to make up, with their units, phases, measurements, logs and so on; or the runs
                themselves, newest first. Without a procedure, no run is made up.
            seed: Another seed makes other data.
            nulls: Whether names and addresses of made-up people may be None.
            items: Items to list instead of made-up ones, by the name of the listing, in the listing's order.

        Raises:
            TypeError: There is no such listing, or an item is not of its model.
            ValueError: `runs` is negative.
        """
        self.procedures: list[Procedure] = list(_checked("procedures", procedures))
        self._given: dict[str, tuple[Any, ...]] = {}
        for name, listed in items.items():
            if not isinstance(getattr(type(self), name, None), Collection):
                raise TypeError(
                    f"got an unexpected keyword argument {name!r}: it is not an option or the name of a listing"
                )
            self._given[name] = _checked(name, cast("Iterable[object]", listed))
        if isinstance(runs, Iterable):
            self._given["runs"] = _checked("runs", runs)
            runs = 0
        elif runs < 0:
            raise ValueError(f"runs must be at least 0, got {runs}")
        self._make_world = partial(World, tuple(self.procedures), seed=seed, runs=runs, nulls=nulls)
        self._world: World | None = None
        self._rows: dict[str, Rows[Any]] = {}
        self._counts: dict[str, Callable[[World], int]] = {}
        self._lock = RLock()

    @property
    def world(self) -> World:
        """The made-up factory. It is made from the procedures that were given first."""
        with self._lock:
            if self._world is None:
                self._world = self._make_world()
            return self._world

    def rows(self, resource: Resource[T]) -> Rows[T]:
        """Return the rows of a listing.

        Args:
            resource: The description of the listing.
        """
        with self._lock:
            if resource.name not in self._rows:
                self._fill(resource)
            return self._rows[resource.name]

    def _fill(self, resource: Resource[T]) -> None:
        """Make the rows of a listing: the items that were given, or else made-up ones."""
        if resource.make is None or resource.count is None:  # pragma: no cover - only procedures are always given
            raise TypeError(f"{resource.name} are not made up")
        rows = Rows(
            count=resource.count(self.world),
            make=partial(resource.make, self.world),
            number=partial(self.world.number, resource.name),
        )
        if resource.name in self._given:
            rows[:] = self._given.pop(resource.name)
        self._counts[resource.name] = resource.count
        self._rows[resource.name] = rows

    def produce(self, runs: int = 1) -> None:
        """Let the line continue: make up newer runs, with all that belongs to them, and list them first.

        Args:
            runs: How many runs to make up; at least 0.

        Raises:
            ValueError: No procedure was given first, so nothing can be run.
        """
        with self._lock:
            if not self.world.procedures:
                raise ValueError("a factory without procedures has no runs")
            self.world.runs += runs
            for name, rows in self._rows.items():
                rows.grow(self._counts[name](self.world))

    def pieces(self, name: str) -> Pieces[Any]:
        """Return the rows of a listing as they are now.

        Args:
            name: The name of the listing, such as ``runs``.
        """
        rows: list[Any] | Rows[Any] = getattr(self, name)
        if isinstance(rows, Rows):
            return rows.pieces
        return Pieces[Any].of(rows)

    @property
    def state(self) -> tuple[Pieces[Any], ...]:
        """The rows of all listings that were read. After a change, the state is another one."""
        return tuple(rows.pieces for rows in tuple(self._rows.values()))
