"""The figures that aiotofupilot promises to reach, and whether it did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .measure import Figure, Row

__all__ = ["GOALS", "Goal", "Verdict", "judge"]


@frozen
class Goal:
    """At most so many times what another way takes."""

    case: str
    """How the row's case begins."""
    client: str
    """Title of the client that is judged."""
    against: Literal["floor", "official"]
    """Which of the row's ratios it is."""
    at_most: float


@frozen
class Verdict:
    """A goal, and what was measured."""

    goal: Goal
    measured: float

    @property
    def reached(self) -> bool:
        """Whether it holds."""
        return self.measured <= self.goal.at_most


GOALS = (
    Goal("CPU a page", "**aiotofupilot**", "floor", 1.6),
    Goal("CPU a page", "**aiotofupilot**", "official", 1 / 6),
    Goal("20,000 items, 50 ms", "**aiotofupilot**, concurrency=16", "floor", 1.3),
    Goal("20,000 items, 50 ms", "**aiotofupilot**, concurrency=16", "official", 1 / 12),
    Goal("import", "`from aiotofupilot import TofuPilotSession`", "floor", 1.25),
)


def judge(rows: Sequence[Row]) -> Iterable[Verdict]:
    """Yield a verdict for each goal that was measured."""
    for goal in GOALS:
        for row in rows:
            ratio: Figure | None = getattr(row, goal.against)
            if ratio and row.case.startswith(goal.case) and row.client == goal.client:
                yield Verdict(goal, ratio.median)
