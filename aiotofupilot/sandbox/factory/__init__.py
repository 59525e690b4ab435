"""The factory whose items the sandbox lists, and a production line that changes them between requests.

- This module has `Factory`, the items of all listings, and `BusyLine`, which changes them.
- `measured` makes what runs wrote, and the details.
- `world` makes runs, and everything that runs refer to.
- `recipes` has the parts, steps, stations and people.
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
from .world import MAKERS, Snapshot, World

if TYPE_CHECKING:
    from aiotofupilot.sandbox.request import Request

__all__ = ["BusyLine", "Factory", "Items", "Reading", "contents", "make_procedures"]

T = TypeVar("T")

_MOST_SHARED = 2000  # the most runs of a factory that is shared


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
    """A descriptor for the list of a listing. Setting it replaces the items in the list."""

    def __set_name__(self, owner: type[Factory], name: str) -> None:
        self._name = name

    def __get__(self, factory: Factory, owner: type[Factory]) -> list[T]:
        return factory.rows(self._name)

    def __set__(self, factory: Factory, items: Iterable[T]) -> None:
        factory.rows(self._name)[:] = items


class Factory:
    """The items of every listing, given or made up.

    Each listing is a list in the default order, which you may change at any time. Models are immutable, so replace
    whole items. Made-up items refer to items of other listings, but a change of one listing does not change the others.

    Items are made up when a listing is first needed. In a process, small factories with the same arguments share items,
    but not lists, so a second such factory costs almost nothing.
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
        until: datetime | None = None,
        **items: Unpack[Items],
    ) -> None:
        """Describe a factory.

        Args:
            procedures: As in `Sandbox`, but none by default. The first 16 procedures have runs.
            runs: As in `Sandbox`, but none by default.
            seed: As in `Sandbox`.
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
        self._make = partial(World, made_of, runs=runs, seed=seed, until=until)
        self._is_shared = isinstance(made_of, int) and runs <= _MOST_SHARED
        self._world = _shared_world(made_of, **self._make.keywords) if self._is_shared else self._make()
        self._snapshot = Snapshot(self._world)

    def rows(self, listing: str) -> list[Any]:
        """Return the list of a listing, which you may change.

        Args:
            listing: The name of the listing, such as ``runs``.
        """
        with self._lock:
            if listing not in self._rows:
                self._rows[listing] = list(self._world.items(listing))
            return self._rows[listing]

    def produce(self, runs: int = 1) -> None:
        """Make up newer runs with all that belongs to them, and list them first.

        Args:
            runs: The number of runs; at least 0.

        Raises:
            ValueError: The factory began without procedures, or `runs` is negative.
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
                if name not in MAKERS:  # older items may refer to newer ones, such as a unit to its last run
                    changed = {id(was): now for was, now in zip(old, made[new:], strict=True) if was is not now}
                    rows[:] = [changed.get(id(row), row) for row in rows]
                rows[:0] = made[:new]
            self._snapshot = evolve(self._snapshot, world=self._world)

    def snapshot(self) -> Snapshot:
        """Return the current items of all listings. After any change, it is another object."""
        with self._lock:
            known = self._snapshot.given
            changed = {name: rows.copy() for name, rows in self._rows.items() if not _same(rows, known.get(name))}
            if changed:
                self._snapshot = evolve(self._snapshot, given={**known, **changed})
            return self._snapshot


_shared_world = lru_cache(maxsize=4)(World)  # its worlds are never changed


def _same(rows: Sequence[object], others: Sequence[object] | None) -> bool:
    return others is not None and len(rows) == len(others) and all(map(is_, rows, others))


def _checked(name: str, items: object, wanted: str) -> list[object]:
    """Return the given items of a listing, if each is of its model."""
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
    """A hook that makes and removes runs, and inserts and removes procedures, as the seed decides.

    A run comes with its phases, measurements and logs and, if due, a unit, a batch and deployments. All these are the
    newest items of their listings. They stay when the run is removed.

    A rate is the mean number of changes per request; at least 0. At 0.25, about every fourth request makes a change.
    You may change the rates at any time.

    Example:
        busy = BusyLine(inserts=0.5, removals=0.3, seed=7)
        sandbox.before_response.append(busy)
    """

    runs: float = 0.0
    """Runs made per request."""
    inserts: float = 0.0
    """Procedures created per request."""
    removals: float = 0.0
    """Procedures removed per request."""
    run_removals: float = 0.0
    """Runs removed per request."""
    seed: int = field(default=0, on_setattr=setters.frozen)
    """The seed of the changes."""
    produced: int = field(default=0, init=False)
    """The number of runs made."""
    inserted: list[models.Procedure] = field(factory=list[models.Procedure], init=False)
    """Procedures that were created."""
    removed: list[models.Procedure] = field(factory=list[models.Procedure], init=False)
    """Procedures that were removed, as they were then."""
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
            factory: The factory to change.
            _request: Ignored.

        Raises:
            ValueError: `runs` is not 0, and the factory began without procedures.
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
        created_at = NEWEST
        if procedures:
            created_at = procedures[0].created_at + timedelta(seconds=self._random.randint(1, 3600))
        self.inserted.append(evolve(next(self._supply), created_at=created_at))
        procedures.insert(0, self.inserted[-1])

    def _remove(self, procedures: list[models.Procedure]) -> None:
        if procedures:
            self.removed.append(procedures.pop(self._random.randrange(len(procedures))))


def _times(rate: float, random: Random) -> int:
    """Draw how often something happens, given its rate."""
    whole, rest = divmod(rate, 1)
    return int(whole) + (random.random() < rest)
