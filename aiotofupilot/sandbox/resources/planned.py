"""Finds made-up items by the plan of production, without making them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from aiotofupilot.sandbox.resource import Narrowed
from aiotofupilot.sandbox.world import LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aiotofupilot.sandbox.factory import Factory
    from aiotofupilot.sandbox.parameters import Asked
    from aiotofupilot.sandbox.resource import Test
    from aiotofupilot.sandbox.world import Attempt, Cycle, World

__all__ = ["by_plan", "by_procedure", "each", "each_measured"]

T = TypeVar("T")


def by_plan(
    tests: Mapping[str, Test[T]],
    make: Callable[[World, int], T],
    period: Callable[[World], int],
) -> Callable[[Asked, Factory], Narrowed | None]:
    """Find items by values that repeat with the plan, if there are more runs than the plan has.

    Args:
        tests: Filters on values that repeat.
        make: Makes the item with a number.
        period: How many items a plan has.
    """

    def narrow(asked: Asked, factory: Factory) -> Narrowed | None:
        settled = tests.keys() & asked.keys()
        if not settled or factory.world.runs <= LENGTH:
            return None
        predicates = [tests[name](asked[name], factory) for name in settled]
        repeats = period(factory.world)
        planned = ((number, make(factory.world, number)) for number in range(repeats))
        offsets = [number for number, item in planned if all(predicate(item) for predicate in predicates)]
        return Narrowed(repeats, offsets, frozenset(settled))

    return narrow


def by_procedure(
    before: Callable[[World], Sequence[int]], parts: Callable[[Attempt], int]
) -> Callable[[Asked, Factory], Narrowed | None]:
    """Find items by the procedure of their run, and by whether they belong to a final attempt.

    Args:
        before: Returns how many items come before each run of the plan.
        parts: Returns how many items an attempt has.
    """

    @lru_cache(maxsize=64)
    def offsets(cycle: Cycle, starts: tuple[int, ...], line: int, *, finals: bool) -> list[int]:
        found: list[int] = []
        for entry, start in zip(cycle.entries, starts, strict=False):
            number = start
            for attempt in entry.attempts if entry.line == line else ():
                count = parts(attempt)
                found += range(number, number + count) if attempt.final or not finals else ()
                number += count
        return found

    def narrow(asked: Asked, factory: Factory) -> Narrowed:
        world = factory.world
        starts = tuple(before(world))
        lines = [line for line, procedure in enumerate(world.procedures) if procedure.id == asked["procedure_id"]]
        settled = frozenset({"procedure_id", "exclude_retries"})
        found = offsets(world.cycle, starts, lines[0], finals=asked["exclude_retries"]) if lines else []
        return Narrowed(starts[-1], found, settled)

    return narrow


def each(_attempt: Attempt) -> int:
    """Count the attempt itself."""
    return 1


def each_measured(attempt: Attempt) -> int:
    """Count the measurements of an attempt."""
    return len(attempt.measured)
