"""The plan of a stretch of production. It says which unit is tested when, where and by whom, and with which outcome.

A cycle has a fixed number of runs. The world repeats it, so it can count items of any number of runs without making
them.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING

from .plan import Attempt, Entry, Line, PlannedBatch, PlannedUnit
from .recipes import BENCHES, PARTS, TESTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .recipes import Measured, Step

__all__ = ["LENGTH", "MOST_LINES", "Cycle"]

LENGTH = 1024
"""Runs in a cycle."""

MOST_LINES = 16
"""Most procedures that have runs."""

_BATCH = 24
_MOST_TESTS = 3
_RETEST_FAILS = 0.35
_PREPARATION = 500  # milliseconds before the first phase
_PAUSE = 100  # milliseconds between phases
_OVERTIME = 45_000  # milliseconds


class Cycle:
    """The plan of `LENGTH` runs.

    Attributes:
        entries: Runs, in the order of time.
        units: Units, in the order of their first run.
        batches: Batches, in the order of their first unit.
        steps: Phases of each procedure that has runs.
        units_before: For each entry, how many units are begun before it. The last number is the count of all units.
        batches_before: For each entry, how many batches are begun before it.
        phases_before: For each entry, how many attempts at phases come before it.
        measurements_before: For each entry, how many measurements come before it.
        logs_before: For each entry, how many lines of logs come before it.
    """

    def __init__(self, seed: int, lines: int) -> None:
        """Plan.

        Args:
            seed: Another seed makes another plan.
            lines: How many procedures have runs; at least 1.
        """
        self._random = Random(f"cycle {seed} {lines}")  # noqa: S311 - test data
        self.steps = [self._choose_steps() for _ in range(lines)]
        self.units: list[PlannedUnit] = []
        self.batches: list[PlannedBatch] = []
        self.entries: list[Entry] = []
        self._open_batches: dict[int, int] = {}
        self._finished: dict[int, list[int]] = {}
        self._executions = [0] * len(BENCHES)
        self._plan()
        firsts = [unit.runs[0] for unit in self.units]
        self.units_before = _count_before(firsts)
        self.batches_before = _count_before([firsts[batch.units[0]] for batch in self.batches])
        self.phases_before = _before(len(entry.attempts) for entry in self.entries)
        self.measurements_before = _before(
            sum(len(attempt.measured) for attempt in entry.attempts) for entry in self.entries
        )
        self.logs_before = _before(len(entry.lines) for entry in self.entries)

    @staticmethod
    def benches_of(line: int) -> tuple[int, int]:
        """Return the stations that run a procedure."""
        return line % len(BENCHES), (line + 1) % len(BENCHES)

    @staticmethod
    def part_of(line: int) -> int:
        """Return the part that a procedure tests."""
        return line % len(PARTS)

    def _choose_steps(self) -> tuple[Step, ...]:
        """Choose the phases of a procedure. Each phase measures something that can fail."""
        chosen = self._random.sample(TESTS, self._random.randint(4, 6))
        return tuple(step for step in TESTS if step in chosen)

    def _plan(self) -> None:
        """Plan all runs. Each unit goes from one procedure of its part to the next."""
        due: list[tuple[int, int, int, int]] = []  # entry, unit, which of the part's procedures, retest
        for k in range(LENGTH):
            unit, stage, retest = heappop(due)[1:] if due and due[0][0] <= k else (self._begin(), 0, 0)
            planned = self.units[unit]
            lines = range(planned.part, len(self.steps), len(PARTS))
            entry = self._test(unit, lines[stage], retest)
            self.entries.append(entry)
            planned.runs.append(k)
            soon = k + self._random.randint(2, 12)
            if entry.outcome != "PASS":
                if retest + 1 < _MOST_TESTS:
                    heappush(due, (soon, unit, stage, retest + 1))
            elif stage + 1 < len(lines):
                heappush(due, (soon, unit, stage + 1, 0))
            else:
                self._finished.setdefault(planned.part, []).append(unit)

    def _begin(self) -> int:
        """Begin a unit."""
        random = self._random
        parts = range(min(len(PARTS), len(self.steps)))
        part = random.choices(parts, [PARTS[index].share for index in parts])[0]
        revisions = len(PARTS[part].revisions)
        unit = len(self.units)
        children = [self._finished[kind].pop(0) for kind in PARTS[part].built_from if self._finished.get(kind)]
        for child in children:
            self.units[child].parent = unit
        self.units.append(
            PlannedUnit(
                part=part,
                revision=random.choices(range(revisions), range(1, revisions + 1))[0],
                batch=self._batch(part, unit) if random.random() < 0.9 else None,  # noqa: PLR2004 - most
                sample=random.choices((None, "golden", "failing", "ignored"), (94, 3, 2, 1))[0],
                children=tuple(children),
            )
        )
        return unit

    def _batch(self, part: int, unit: int) -> int:
        """Put a unit into its part's open batch."""
        batch = self._open_batches.get(part)
        if batch is None or len(self.batches[batch].units) == _BATCH:
            batch = self._open_batches[part] = len(self.batches)
            self.batches.append(PlannedBatch(part))
        self.batches[batch].units.append(unit)
        return batch

    def _test(self, unit: int, line: int, retest: int) -> Entry:
        """Test a unit once."""
        random = self._random
        bench = self.benches_of(line)[random.random() < 0.5]  # noqa: PLR2004 - half of them
        fails = _RETEST_FAILS if retest else BENCHES[bench].failure_rate
        shares = {"ERROR": 1, "TIMEOUT": 1, "ABORTED": 1, "FAIL": 97 * fails, "PASS": 97 * (1 - fails)}
        outcome = random.choices(list(shares), list(shares.values()))[0]
        attempts = tuple(self._attempts(self.steps[line], outcome))
        end = max(attempt.begin + (attempt.duration or 0) for attempt in attempts)
        slots = BENCHES[bench].slots
        turn, self._executions[bench] = self._executions[bench], self._executions[bench] + 1
        return Entry(
            unit=unit,
            line=line,
            bench=bench,
            slot=turn % slots if slots > 1 else None,
            execution=turn // slots if slots > 1 else None,
            environment=random.choices(("production", "preview", "development"), (94, 3, 3))[0],
            by_user=random.getrandbits(16) if random.random() < 0.15 else None,  # noqa: PLR2004 - some
            operator=random.getrandbits(16) if random.random() < 0.75 else None,  # noqa: PLR2004 - most
            retest=retest,
            outcome=outcome,
            attempts=attempts,
            duration=end + _PREPARATION,
            lines=tuple(self._log(BENCHES[bench].name, attempts, outcome, end)),
        )

    def _attempts(self, steps: Sequence[Step], outcome: str) -> Iterable[Attempt]:
        """Yield the attempts at the phases of a run with an outcome."""
        random = self._random
        broken = None if outcome == "PASS" else random.randrange(len(steps))
        clock = _PREPARATION
        for index, step in enumerate(steps):
            if broken is not None and index > broken:
                if outcome != "FAIL":
                    return
                yield Attempt(step, 0, final=True, outcome="SKIP", begin=clock, duration=None, measured=())
                clock += 1
                continue
            last = {"FAIL": "FAIL", "ABORTED": "PASS"}.get(outcome, "ERROR") if index == broken else "PASS"
            tried = random.random() < (0.7 if last == "FAIL" else 0.06)
            for retry, result in enumerate(("FAIL", last) if tried else (last,)):
                duration = int(step.milliseconds * random.uniform(0.9, 1.1))
                if outcome == "TIMEOUT" and result == "ERROR":
                    duration += _OVERTIME
                yield Attempt(
                    step,
                    retry,
                    final=retry == int(tried),
                    outcome=result,
                    begin=clock,
                    duration=duration,
                    measured=_measured(step, result),
                )
                clock += duration + _PAUSE

    def _log(self, bench: str, attempts: Sequence[Attempt], outcome: str, end: int) -> Iterable[Line]:
        """Write the log of a run."""
        yield Line(0, "INFO", f"Run started on {bench}", "main.py", 12)
        if self._random.random() < 0.3:  # noqa: PLR2004 - some
            yield Line(_PREPARATION // 2, "DEBUG", "Fixture closed", None, None)
        for attempt in attempts:
            moment = attempt.begin + (attempt.duration or 0)
            name = attempt.step.name
            if attempt.outcome == "FAIL" and not attempt.final:
                yield Line(moment, "WARNING", f"{name} failed, trying again", "phases/retry.py", 31)
            elif attempt.outcome == "FAIL":
                yield Line(moment, "ERROR", f"{name} is out of limits", f"phases/{_slug(name)}.py", 88)
            elif attempt.outcome == "ERROR" and outcome == "TIMEOUT":
                yield Line(moment, "ERROR", f"{name} took too long", f"phases/{_slug(name)}.py", 104)
            elif attempt.outcome == "ERROR":
                yield Line(moment, "CRITICAL", f"{name}: the instrument does not answer", "plugs/dmm.py", 57)
        if outcome == "ABORTED":
            yield Line(end, "WARNING", "Stopped by the operator", None, None)


def _measured(step: Step, outcome: str) -> tuple[tuple[Measured, str], ...]:
    """Return the measurements of an attempt with their outcomes. Only the first one of a phase can fail."""
    if outcome == "ERROR":
        return tuple((measured, "UNSET") for measured in step.measures[:1])
    return tuple(
        (measured, "FAIL" if outcome == "FAIL" and index == 0 else "PASS" if measured.limits else "UNSET")
        for index, measured in enumerate(step.measures)
    )


def _slug(name: str) -> str:
    """Return a name as it is used for a file."""
    return name.lower().replace(" ", "_")


def _before(counts: Iterable[int]) -> list[int]:
    """Return how many items come before each entry, and how many there are in all."""
    return list(accumulate(counts, initial=0))


def _count_before(firsts: Sequence[int]) -> list[int]:
    """Return how many of these begin before each entry, and how many there are in all."""
    begun = [0] * LENGTH
    for first in firsts:
        begun[first] += 1
    return _before(begun)
