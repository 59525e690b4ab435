"""The figures that aiotofupilot promises to reach, and whether it did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from attrs import frozen

from .contenders import CONTENDERS
from .kinds import KINDS, WALKED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .measure import Figure, Row

__all__ = ["GOALS", "Goal", "Verdict", "judge"]


@frozen
class Goal:
    """A figure or a ratio, and the most that it may be."""

    case: str
    """The beginning of the case of its rows."""
    client: str
    """Title of the client that is judged."""
    of: Literal["figure", "floor", "official"]
    """What is judged: the highest run of the figure, or the median of one of its ratios."""
    at_most: float


@frozen
class Verdict:
    """A goal, and what was measured in one case."""

    goal: Goal
    case: str
    measured: float

    @property
    def reached(self) -> bool:
        """Whether the goal was reached."""
        return self.measured <= self.goal.at_most


OURS = CONTENDERS["ours"].title
OURS_16 = CONTENDERS["ours-16"].title
OURS_64 = CONTENDERS["ours-64"].title
OURS_TABLE = CONTENDERS["ours-table"].title
OURS_PARQUET = CONTENDERS["ours-parquet"].title
OURS_MIRROR = CONTENDERS["ours-mirror"].title
OURS_DETAILS_16 = CONTENDERS["ours-16-details"].title

GOALS = (
    Goal("CPU to decode a page", OURS, "floor", 1.3),
    Goal(f"CPU per page of 100 {KINDS['few'].title}", OURS, "floor", 1.5),
    Goal(f"CPU per page of 100 {KINDS['new'].title}", OURS, "floor", 1.6),
    Goal("CPU per page of 100 procedures", OURS, "official", 1 / 6),
    Goal(f"CPU per page of 100 {KINDS['runs'].title}", OURS, "official", 1 / 7),
    *(Goal(f"CPU per page of 100 {KINDS[data].title} into a table", OURS_TABLE, "official", 1 / 8) for data in WALKED),
    Goal("20,000 items, 50 ms", OURS_16, "floor", 1.25),
    Goal("20,000 items, 50 ms", OURS_16, "official", 1 / 12),
    Goal("10,000 items, 200 ms per response, 64 at once", OURS_64, "floor", 1.6),
    Goal("1,000,000 items, MiB more", OURS, "figure", 10),
    Goal("1,000,000 items, MiB more", OURS_16, "figure", 10),
    Goal("import, ms by the clock", "`from aiotofupilot import TofuPilotSession`", "floor", 1.35),
    Goal("1,000,000 items into Parquet, MiB more", OURS_PARQUET, "figure", 64),
    Goal("20,000 procedures into a file, CPU s", OURS_MIRROR, "floor", 1.5),
    Goal("1,000,000 items into a mirror, MiB more", OURS_MIRROR, "figure", 64),
    Goal("500 runs with 40 measurements each", OURS_DETAILS_16, "floor", 1.3),
    Goal("2,000 runs with a waveform", OURS_DETAILS_16, "figure", 400),
    Goal("100 items, requests beyond", OURS_16, "figure", 0),
    Goal("10,000 items, requests beyond", OURS_16, "figure", 15),
    Goal("5,000 items", OURS, "figure", 0),
    Goal("5,000 items", OURS_16, "figure", 0),
)


def judge(rows: Sequence[Row]) -> Iterable[Verdict]:
    """Yield a verdict for each case of each goal that was measured."""
    for goal in GOALS:
        for row in rows:
            figure: Figure | None = getattr(row, goal.of)
            if figure and row.case.startswith(goal.case) and row.client == goal.client:
                yield Verdict(goal, row.case, figure.high if goal.of == "figure" else figure.median)
