"""A production line that keeps working while a client lists."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

from attrs import evolve

from .data import NEWEST, endless_procedures

if TYPE_CHECKING:
    from aiotofupilot.models import Procedure

    from .factory import Factory
    from .log import Request

__all__ = ["BusyLine"]


class BusyLine:
    """A hook that makes runs, and inserts, removes and renames procedures at random. The seed decides what happens.

    A run comes with its phases, measurements and logs. If one is due, it also comes with a unit, a batch and
    deployments. All of them are the newest of their listings.

    A rate is the mean number of changes for each request; at least 0. 0.25 is one change with about every fourth
    request, and 3.0 is three changes with each request. Rates may be changed at any time.

    Example:
        busy = BusyLine(inserts=0.5, removals=0.3, seed=7)
        sandbox.before_response.append(busy)

    Attributes:
        runs: Runs made for each request.
        inserts: Procedures created for each request.
        removals: Procedures removed for each request.
        renames: Procedures renamed for each request.
        produced: How many runs were made.
        inserted: What was created.
        removed: What was removed, as it was then.
        renamed: What was renamed, as it was before.
    """

    def __init__(
        self,
        *,
        runs: float = 0.0,
        inserts: float = 0.0,
        removals: float = 0.0,
        renames: float = 0.0,
        anywhere: bool = False,
        seed: int = 0,
    ) -> None:
        """Describe the line.

        Args:
            runs: Runs made for each request.
            inserts: Procedures created for each request.
            removals: Procedures removed for each request.
            renames: Procedures renamed for each request.
            anywhere: Whether new procedures turn up anywhere, as old as their neighbour; otherwise they are the newest
                and come first.
            seed: Another seed makes other changes.
        """
        self.runs = runs
        self.inserts = inserts
        self.removals = removals
        self.renames = renames
        self.produced: int = 0
        self.inserted: list[Procedure] = []
        self.removed: list[Procedure] = []
        self.renamed: list[Procedure] = []
        self._anywhere = anywhere
        self._random = Random(f"busy line {seed}")  # noqa: S311 - test data
        self._pace = Random(f"busy line's runs {seed}")  # noqa: S311 - test data
        self._supply = endless_procedures(self._random.getrandbits(64))

    def __call__(self, factory: Factory, _request: Request | None = None) -> None:
        """Make the changes of one request.

        Args:
            factory: The factory. Its listings are changed in place.
            _request: The request. It makes no difference.

        Raises:
            ValueError: Runs are to be made, and the factory has no procedures.
        """
        for change, rate in (
            (self.insert, self.inserts),
            (self.remove, self.removals),
            (self.rename, self.renames),
        ):
            for _ in range(_times(rate, self._random)):
                change(factory.procedures)
        if self.runs:
            made = _times(self.runs, self._pace)
            factory.produce(made)
            self.produced += made

    def insert(self, procedures: list[Procedure]) -> None:
        """Create a procedure.

        Args:
            procedures: The list to insert it into.
        """
        index = self._random.randrange(len(procedures) + 1) if self._anywhere else 0
        if index > 0:  # between its neighbours, because a server may list items of one date in any order
            newer, older = procedures[index - 1].created_at, procedures[min(index, len(procedures) - 1)].created_at
            created_at = older + (newer - older) / 2
        elif procedures:
            created_at = procedures[0].created_at + timedelta(seconds=self._random.randint(1, 3600))
        else:
            created_at = NEWEST
        self.inserted.append(evolve(next(self._supply), created_at=created_at))
        procedures.insert(index, self.inserted[-1])

    def remove(self, procedures: list[Procedure]) -> None:
        """Remove a procedure, if there is one.

        Args:
            procedures: The list to remove it from.
        """
        if procedures:
            self.removed.append(procedures.pop(self._random.randrange(len(procedures))))

    def rename(self, procedures: list[Procedure]) -> None:
        """Rename a procedure, if there is one.

        Args:
            procedures: The list that holds it.
        """
        if procedures:
            index = self._random.randrange(len(procedures))
            self.renamed.append(procedures[index])
            procedures[index] = evolve(procedures[index], name=f"{next(self._supply).name} (renamed)")


def _times(rate: float, random: Random) -> int:
    """Return how often something happens this time, given its rate."""
    whole, rest = divmod(rate, 1)
    return int(whole) + (random.random() < rest)
