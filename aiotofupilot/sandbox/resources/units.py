"""The listing of units."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from aiotofupilot.models import LastRun, Unit
from aiotofupilot.sandbox.metadata import Conditions
from aiotofupilot.sandbox.parameters import Choice, Choices, Flag, Text, Texts
from aiotofupilot.sandbox.quantities import Moment, Whole, pages
from aiotofupilot.sandbox.resource import Resource, among, if_asked, since, until

from .by_run import RUN_TESTS, batch_among, mentions_unit, sample_among
from .creators import hide_address, without_address
from .described import Described
from .enums import ORDERS, RUN_OUTCOMES, SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from aiotofupilot.models import Metadata, Run
    from aiotofupilot.sandbox.factory import Factory
    from aiotofupilot.sandbox.parameters import Asked
    from aiotofupilot.sandbox.resource import Predicate, Test
    from aiotofupilot.sandbox.world import World

__all__ = ["UNITS"]

_MOST_CHILDREN = 10


def _make(world: World, number: int) -> Unit:
    """Make the unit with a number."""
    planned = world.planned_unit(number)
    runs = world.runs_of(number)
    user, station = world.creator(world.entry(runs[0]))
    parent = None if planned.parent is None else world.neighbour(number, planned.parent)
    return Unit(
        id=world.id("units", number),
        serial_number=world.serial_number(number),
        created_at=world.unit_created_at(number),
        sample=planned.sample,
        children=tuple(world.unit_ref(world.neighbour(number, child)) for child in planned.children[:_MOST_CHILDREN]),
        part=world.parts[planned.part][planned.revision],
        created_by_user=without_address(user),
        created_by_station=station,
        batch=world.batch_ref(number),
        parent=None if parent is None or parent >= world.units else world.unit_ref(parent),
        last_run=_last_run(world, runs[-1]),
    )


def _last_run(world: World, run: int) -> LastRun:
    """Return the latest run, as a unit shows it."""
    entry = world.entry(run)
    started_at = world.started_at(run)
    return LastRun(
        world.id("runs", run),
        entry.outcome,
        started_at,
        started_at + world.duration(run),
        world.procedure(entry.line),
    )


def _metadata(_world: World, unit: int) -> Metadata:
    """Return the metadata of a made-up unit."""
    return {"pcb_lot": f"L{2000 + unit // 40}"}


_DESCRIBED: Described[Unit] = Described("units", _metadata)


def _document(unit: Unit) -> dict[str, Any]:
    """Return the document of a unit. Its creator has no address."""
    return hide_address(_DESCRIBED.document(unit), unit.created_by_user)


def _runs_of(factory: Factory) -> Callable[[Unit], list[Run]]:
    """Return a function that returns the runs of a unit, as they are listed now."""
    pieces = factory.runs.pieces
    given: dict[str, list[Run]] = defaultdict(list)
    for run in pieces.given:
        given[run.unit.id].append(run)

    def runs_of(unit: Unit) -> list[Run]:
        number = factory.world.number("units", unit.id)
        made = [] if number is None else factory.world.runs_of(number)
        return [*(pieces.make(run) for run in made if pieces.holds(run)), *given[unit.id]]

    return runs_of


_TESTS_OF_ITS_RUNS: Mapping[str, Test[Run]] = {
    "procedure_ids": RUN_TESTS["procedure_ids"],
    "outcomes": RUN_TESTS["outcomes"],
    "started_after": since(lambda run: run.started_at),
    "started_before": until(lambda run: run.started_at),
}


def _by_its_runs(asked: Asked, factory: Factory) -> Predicate[Unit] | None:
    """Select units by the number of their runs, and by the filters that look at runs.

    With ``latest_only``, this run has to be the latest.
    """
    predicates = [test(asked[name], factory) for name, test in _TESTS_OF_ITS_RUNS.items() if name in asked]
    least, most = asked.get("run_count_min"), asked.get("run_count_max")
    if not predicates and least is None and most is None:
        return None
    runs_of = _runs_of(factory)

    def is_asked_for(unit: Unit) -> bool:
        runs = runs_of(unit)
        if (least is not None and len(runs) < least) or (most is not None and len(runs) > most):
            return False
        if asked["latest_only"] and runs:
            runs = [max(runs, key=lambda run: run.started_at)]
        return not predicates or any(all(predicate(run) for predicate in predicates) for run in runs)

    return is_asked_for


UNITS: Resource[Unit] = Resource(
    name="units",
    make=_make,
    count=lambda world: world.units,
    parameters=(
        Text("search_query"),
        Texts("ids"),
        Texts("serial_numbers"),
        Texts("part_numbers"),
        Texts("revision_numbers"),
        Texts("batch_numbers"),
        Texts("procedure_ids"),
        Choices("outcomes", RUN_OUTCOMES),
        Moment("started_after"),
        Moment("started_before"),
        Flag("latest_only", preset=False),
        Whole("run_count_min"),
        Whole("run_count_max"),
        Moment("created_after"),
        Moment("created_before"),
        Texts("created_by_user_ids"),
        Texts("created_by_station_ids"),
        Flag("exclude_units_with_parent", preset=False),
        Choices("samples", SAMPLES),
        *pages(),
        Choice(
            "sort_by",
            ("serial_number", "created_at", "last_run_at", "part_number", "last_run_procedure"),
            preset="created_at",
        ),
        Choice("sort_order", ORDERS, preset="desc"),
        Conditions("metadata"),
        Flag("include_metadata", preset=False),
    ),
    tests={
        "search_query": mentions_unit(lambda unit: unit.id, lambda unit: unit.serial_number),
        "ids": among(lambda unit: unit.id),
        "serial_numbers": among(lambda unit: unit.serial_number),
        "part_numbers": among(lambda unit: unit.part.number),
        "revision_numbers": among(lambda unit: unit.part.revision.number),
        "batch_numbers": batch_among(lambda unit: unit.batch),
        "created_after": since(lambda unit: unit.created_at),
        "created_before": until(lambda unit: unit.created_at),
        "created_by_user_ids": among(lambda unit: unit.created_by_user and unit.created_by_user.id),
        "created_by_station_ids": among(lambda unit: unit.created_by_station and unit.created_by_station.id),
        "exclude_units_with_parent": if_asked(lambda unit: unit.parent is None),
        "samples": sample_among(lambda unit: unit.sample),
        "metadata": _DESCRIBED.test,
    },
    joined=_by_its_runs,
    bounds=("created_after", "created_before"),
    sorts={
        "serial_number": lambda unit: unit.serial_number,
        "created_at": lambda unit: unit.created_at,
        "last_run_at": lambda unit: unit.last_run and unit.last_run.started_at,
        "part_number": lambda unit: unit.part.number,
        "last_run_procedure": lambda unit: unit.last_run and unit.last_run.procedure and unit.last_run.procedure.name,
    },
    order="created_at",
    dress=_DESCRIBED.dress,
    document=_document,
)
