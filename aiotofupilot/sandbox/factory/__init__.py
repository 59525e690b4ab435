"""The factory whose items the sandbox lists, and a production line that keeps working while a client lists.

- This module has the items of all listings, given or made up: `Factory`. A `BusyLine` changes them.
- `measured` makes what runs wrote, and says how the items of each listing are made up.
- `world` makes runs, one after the other, with all that they refer to.
- `recipes` has what the factory makes and tests, where and for whom.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache, partial
from operator import is_
from random import Random
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar, Unpack, cast

from attrs import define, evolve, field, setters

from aiotofupilot import models
from aiotofupilot.listings import NAMES, listing_class

from .measured import Reading, contents
from .recipes import NEWEST, endless_procedures, make_procedures
from .world import MAKERS, DeployedRun, Snapshot, World

if TYPE_CHECKING:
    from aiotofupilot.sandbox.request import Request

__all__ = ["BusyLine", "DeployedRun", "Factory", "Items", "Reading", "contents", "make_procedures"]

T = TypeVar("T")

_MOST_SHARED = 2000  # runs of a made-up factory that is shared


class Items(TypedDict, total=False):
    """Items to list instead of made-up ones."""

    units: Iterable[models.Unit]
    parts: Iterable[models.Part]
    batches: Iterable[models.Batch]
    stations: Iterable[models.Station]
    users: Iterable[models.User]
    deployments: Iterable[models.Deployment]
    logs: Iterable[models.Log]
    measurements: Iterable[models.Measurement]
    phases: Iterable[models.Phase]


class _Rows(Generic[T]):
    """A descriptor for the list of the items of a listing. To set it replaces the items in the list."""

    def __set_name__(self, owner: type[Factory], name: str) -> None:
        self._name = name

    def __get__(self, factory: Factory, owner: type[Factory]) -> list[T]:
        return factory.rows(self._name)

    def __set__(self, factory: Factory, items: Iterable[T]) -> None:
        factory.rows(self._name)[:] = items


class Factory:
    """The items of every listing: those that are given, and made-up ones for the rest.

    They are lists, in the order in which they are listed if a request asks for no other. You may change the lists at
    any time. The next response has the change. Models cannot be changed, so replace an item by another one. Made-up
    items refer to each other: the unit, the phases and the logs of a run are listed too. A change of one listing does
    not change the others.

    The items of a listing are made up when it is first read or asked for. All factories of a process that are made up
    of the same numbers share their items, and each has its own lists, so another small factory costs almost nothing.
    """

    procedures: _Rows[models.Procedure] = _Rows[models.Procedure]()
    runs: _Rows[models.Run] = _Rows[models.Run]()
    units: _Rows[models.Unit] = _Rows[models.Unit]()
    parts: _Rows[models.Part] = _Rows[models.Part]()
    batches: _Rows[models.Batch] = _Rows[models.Batch]()
    stations: _Rows[models.Station] = _Rows[models.Station]()
    users: _Rows[models.User] = _Rows[models.User]()
    deployments: _Rows[models.Deployment] = _Rows[models.Deployment]()
    logs: _Rows[models.Log] = _Rows[models.Log]()
    measurements: _Rows[models.Measurement] = _Rows[models.Measurement]()
    phases: _Rows[models.Phase] = _Rows[models.Phase]()

    def __init__(
        self,
        procedures: int | Iterable[models.Procedure] = (),
        *,
        runs: int | Iterable[models.Run] = 0,
        seed: int = 0,
        nulls: bool = True,
        until: datetime | None = None,
        **items: Unpack[Items],
    ) -> None:
        """Describe a factory.

        Args:
            procedures: As in `Sandbox`, where it is 250 by default. The first 16 procedures have runs.
            runs: As in `Sandbox`, where it is 1000 by default.
            seed: As in `Sandbox`.
            nulls: As in `Sandbox`.
            until: As in `Sandbox`.
            items: As in `Sandbox`.

        Raises:
            TypeError: There is no such listing, or an item is not of its model.
            ValueError: A number is negative, or `until` is naive or out of bounds.
        """
        self._lock = RLock()
        self._rows: dict[str, list[Any]] = {}
        for name, listed in {**items, "procedures": procedures, "runs": runs}.items():
            if name not in NAMES:
                raise TypeError(
                    f"got an unexpected keyword argument {name!r}: it is not an option or the name of a listing"
                )
            if not isinstance(listed, int) or isinstance(listed, bool) or name in items:
                self._rows[name] = _checked(name, listed, "an iterable" if name in items else "a number or an iterable")
            elif listed < 0:
                raise ValueError(f"{name} must be at least 0, got {listed}")
        if until is not None and until.utcoffset() is None:
            raise ValueError(f"until must be timezone-aware, got {until!r}")
        if until is not None and not 2000 <= until.year <= 2100:  # noqa: PLR2004 - as the documentation says
            raise ValueError(f"until must be from the year 2000 to 2100, got {until}")
        made_of = procedures if isinstance(procedures, int) else tuple(self._rows["procedures"])
        runs = runs if isinstance(runs, int) else 0
        self._make = partial(World, made_of, runs=runs, seed=seed, nulls=nulls, until=until)
        self._is_shared = isinstance(made_of, int) and runs <= _MOST_SHARED
        self._world = _shared_world(made_of, **self._make.keywords) if self._is_shared else self._make()
        self._snapshot = Snapshot(self._world)

    def rows(self, listing: str) -> list[Any]:
        """Return the list of the items of a listing. You may change it.

        Args:
            listing: The name of the listing, such as ``runs``.
        """
        with self._lock:
            if listing not in self._rows:
                self._rows[listing] = list(self._world.items(listing))
            return self._rows[listing]

    def produce(self, runs: int = 1) -> None:
        """Let the line continue: make up newer runs, with all that belongs to them, and list them first.

        Args:
            runs: How many runs to make up; at least 0.

        Raises:
            ValueError: No procedure was given first, so nothing can be run, or `runs` is negative.
        """
        if runs < 0:
            raise ValueError(f"runs must be at least 0, got {runs}")
        with self._lock:
            if not self._world.lines:
                raise ValueError("a factory without procedures has no runs")
            if runs == 0:
                return
            before = {name: self._world.items(name) for name in self._rows}
            if self._is_shared:
                self._world, self._is_shared = self._make(), False
            self._world.wanted += runs
            for name, old in before.items():
                made, rows = self._world.items(name), self._rows[name]
                new = len(made) - len(old)
                if name not in MAKERS:  # an item may refer to newer ones, as a unit does to its last run
                    changed = {id(was): now for was, now in zip(old, made[new:], strict=True) if was is not now}
                    rows[:] = [changed.get(id(row), row) for row in rows]
                rows[:0] = made[:new]
            self._snapshot = evolve(self._snapshot, world=self._world)

    def snapshot(self) -> Snapshot:
        """Return the items of all listings as they are now. It is another object after any change."""
        with self._lock:
            known = self._snapshot.given
            changed = {name: rows.copy() for name, rows in self._rows.items() if not _same(rows, known.get(name))}
            if changed:
                self._snapshot = evolve(self._snapshot, given={**known, **changed})
            return self._snapshot


_shared_world = lru_cache(maxsize=4)(World)  # nobody changes what it returns


def _same(rows: Sequence[object], others: Sequence[object] | None) -> bool:
    return others is not None and len(rows) == len(others) and all(map(is_, rows, others))


def _checked(name: str, items: object, wanted: str) -> list[object]:
    """Return the items that were given for a listing, each of its model."""
    if isinstance(items, str | bytes) or not isinstance(items, Iterable):
        raise TypeError(f"{name} must be {wanted} of {name}, got {items!r}")
    given, model = list(cast("Iterable[object]", items)), listing_class(name).model
    for index, item in enumerate(given):
        if not isinstance(item, model):
            raise TypeError(
                f"{name}[{index}] must be of the class {model.__name__}, got {type(item).__name__}; "
                "from_wire makes items of what JSON holds"
            )
    return given


@define(kw_only=True, eq=False, repr=False)
class BusyLine:
    """A hook that makes and removes runs, and inserts and removes procedures. The seed decides what happens.

    A run comes with its phases, measurements and logs. If one is due, it also comes with a unit, a batch and
    deployments. All of them are the newest of their listings. A run that is removed leaves what came with it.

    A rate is the mean number of changes for each request; at least 0. 0.25 is one change with about every fourth
    request, and 3.0 is three changes with each request. The rates may be changed at any time.

    Example:
        busy = BusyLine(inserts=0.5, removals=0.3, seed=7)
        sandbox.before_response.append(busy)
    """

    runs: float = 0.0
    """Runs made for each request."""
    inserts: float = 0.0
    """Procedures created for each request."""
    removals: float = 0.0
    """Procedures removed for each request."""
    run_removals: float = 0.0
    """Runs removed for each request."""
    anywhere: bool = False
    """Whether new procedures turn up anywhere, as old as their neighbour; otherwise they are the newest and come
    first."""
    seed: int = field(default=0, on_setattr=setters.frozen)
    """Another seed makes other changes."""
    produced: int = field(default=0, init=False)
    """How many runs were made."""
    inserted: list[models.Procedure] = field(factory=list[models.Procedure], init=False)
    """What was created."""
    removed: list[models.Procedure] = field(factory=list[models.Procedure], init=False)
    """What was removed, as it was then."""
    removed_runs: list[models.Run] = field(factory=list[models.Run], init=False)
    """Runs that were removed, as they were then."""
    _random: Random = field(init=False)
    _pace: Random = field(init=False)
    _supply: Iterator[models.Procedure] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._random = Random(f"busy line {self.seed}")  # noqa: S311 - test data
        self._pace = Random(f"busy line's runs {self.seed}")  # noqa: S311 - test data
        self._supply = endless_procedures(self._random.getrandbits(64))

    def __call__(self, factory: Factory, _request: Request | None = None) -> None:
        """Make the changes of one request.

        Args:
            factory: The factory. Its listings are changed in place.
            _request: The request. It makes no difference.

        Raises:
            ValueError: Runs are to be made, and the factory has no procedures.
        """
        for change, rate in ((self._insert, self.inserts), (self._remove, self.removals)):
            for _ in range(_times(rate, self._random)):
                change(factory.procedures)
        if self.runs:
            made = _times(self.runs, self._pace)
            factory.produce(made)
            self.produced += made
        if self.run_removals:
            for _ in range(min(_times(self.run_removals, self._pace), len(factory.runs))):
                self.removed_runs.append(factory.runs.pop(self._pace.randrange(len(factory.runs))))

    def _insert(self, procedures: list[models.Procedure]) -> None:
        index = self._random.randrange(len(procedures) + 1) if self.anywhere else 0
        if index > 0:  # between its neighbours, because a server may list items of one date in any order
            newer, older = procedures[index - 1].created_at, procedures[min(index, len(procedures) - 1)].created_at
            created_at = older + (newer - older) / 2
        elif procedures:
            created_at = procedures[0].created_at + timedelta(seconds=self._random.randint(1, 3600))
        else:
            created_at = NEWEST
        self.inserted.append(evolve(next(self._supply), created_at=created_at))
        procedures.insert(index, self.inserted[-1])

    def _remove(self, procedures: list[models.Procedure]) -> None:
        if procedures:
            self.removed.append(procedures.pop(self._random.randrange(len(procedures))))


def _times(rate: float, random: Random) -> int:
    """Return how often something happens this time, given its rate."""
    whole, rest = divmod(rate, 1)
    return int(whole) + (random.random() < rest)
