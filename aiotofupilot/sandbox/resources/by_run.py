"""Filters that look at runs. The listing of runs has them, and so have the listings of what runs wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from aiotofupilot.sandbox.resource import among, at_least, at_most

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiotofupilot.models import BatchRef, Run
    from aiotofupilot.sandbox.factory import Factory
    from aiotofupilot.sandbox.resource import Predicate, Test

__all__ = ["FILTERS_OF_RUNS", "RUN_TESTS", "batch_among", "mentions_unit", "of_procedure", "of_run", "sample_among"]

T = TypeVar("T")

_SHORTEST_ID_QUERY = 8


def mentions_unit(identity: Callable[[T], str], serial_number: Callable[[T], str]) -> Test[T]:
    """Select by text in the serial number. A text of 8 characters or more may also begin the item's id."""

    def test(query: str, _factory: Factory) -> Predicate[T]:
        needle = query.lower()
        by_id = len(query) >= _SHORTEST_ID_QUERY
        return lambda item: (
            needle in serial_number(item).lower() or (by_id and identity(item).lower().startswith(needle))
        )

    return test


def _of_deployment(wanted: frozenset[str], factory: Factory) -> Predicate[Run]:
    """Select by the deployment that was run. Runs that were given have none."""

    def was_deployed(run: Run) -> bool:
        number = factory.runs.number_of(run.id)
        return number is not None and factory.world.deployment_of(number) in wanted

    return was_deployed


def _in_environment(wanted: frozenset[str], factory: Factory) -> Predicate[Run]:
    """Select by the environment. Runs that were given have none."""

    def belongs(run: Run) -> bool:
        number = factory.runs.number_of(run.id)
        return number is not None and factory.world.entry(number).environment in wanted

    return belongs


def sample_among(read: Callable[[T], str | None]) -> Test[T]:
    """Select by the unit's kind of sample. A unit of production has none."""
    return among(lambda item: read(item) or "production")


def batch_among(read: Callable[[T], BatchRef | None]) -> Test[T]:
    """Select by the number of the unit's batch. The empty string stands for units without a batch."""

    def number(item: T) -> str:
        batch = read(item)
        return batch.number if batch else ""

    return among(number)


RUN_TESTS: Mapping[str, Test[Run]] = {
    "ids": among(lambda run: run.id),
    "outcomes": among(lambda run: run.outcome),
    "procedure_ids": among(lambda run: run.procedure.id),
    "procedure_versions": among(lambda run: run.procedure.version and run.procedure.version.tag),
    "deployment_ids": _of_deployment,
    "execution_ids": among(lambda run: run.execution_id),
    "slot_keys": among(lambda run: run.slot_key),
    "slot_names": among(lambda run: run.slot_name),
    "environments": _in_environment,
    "serial_numbers": among(lambda run: run.unit.serial_number),
    "samples": sample_among(lambda run: run.unit.sample),
    "part_numbers": among(lambda run: run.unit.part.number),
    "revision_numbers": among(lambda run: run.unit.part.revision.number),
    "batch_numbers": batch_among(lambda run: run.unit.batch),
    "duration_min": at_least(lambda run: run.duration),
    "duration_max": at_most(lambda run: run.duration),
    "created_by_user_ids": among(lambda run: run.created_by_user and run.created_by_user.id),
    "created_by_station_ids": among(lambda run: run.created_by_station and run.created_by_station.id),
    "operated_by_ids": among(lambda run: run.operated_by and run.operated_by.id),
    "operated_by_names": among(lambda run: run.operated_by and run.operated_by.name),
}
"""The filters that look at a run."""

FILTERS_OF_RUNS = (
    "ids",
    "duration_min",
    "duration_max",
    "deployment_ids",
    "procedure_versions",
    "environments",
    "operated_by_ids",
    "operated_by_names",
    "created_by_station_ids",
    "created_by_user_ids",
    "part_numbers",
    "revision_numbers",
    "batch_numbers",
)
"""The filters that measurements and phases have in common with runs, and that look at their run."""


def of_run(name: str, read: Callable[[T], str]) -> Test[T]:
    """Select items of another listing by a filter of runs. `read` returns the id of an item's run."""

    def test(wanted: object, factory: Factory) -> Predicate[T]:
        predicate = RUN_TESTS[name](wanted, factory)

        def has_such_a_run(item: T) -> bool:
            run = factory.runs.find(read(item))
            return run is not None and predicate(run)

        return has_such_a_run

    return test


def of_procedure(read: Callable[[T], str]) -> Test[T]:
    """Select items of another listing by the procedure of their run. `read` returns the id of an item's run."""
    of_procedures = of_run("procedure_ids", read)
    return lambda wanted, factory: of_procedures(frozenset({wanted}), factory)
