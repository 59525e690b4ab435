"""The listing of measurements. Its ``ids`` and ``outcomes`` are about runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiotofupilot.models import Measurement
from aiotofupilot.sandbox.parameters import Choice, Choices, Flag, Text, Texts
from aiotofupilot.sandbox.quantities import Moment, Number, Span, pages
from aiotofupilot.sandbox.resource import Resource, among, at_least, at_most, equal_to, if_asked, since, until
from aiotofupilot.sandbox.world import MILLISECOND, number_measured, text_measured, truth_measured, validators

from .by_run import FILTERS_OF_RUNS, of_procedure, of_run
from .enums import ENVIRONMENTS, MEASUREMENT_OUTCOMES, MEASUREMENT_TYPES, ORDERS, RUN_OUTCOMES
from .planned import by_procedure, each_measured

if TYPE_CHECKING:
    from aiotofupilot.sandbox.world import Attempt, Measured, Place, World

__all__ = ["MEASUREMENTS"]


def _make(world: World, number: int) -> Measurement:
    """Make the measurement with a number."""
    place = world.place(number, world.cycle.measurements_before)
    attempt, (measured, outcome) = _find(place)
    chance = world.chance(number, 9)
    unit = world.unit_of(place.run)
    return Measurement(
        id=world.id("measurements", number),
        phase_name=attempt.step.name,
        measurement_name=measured.name,
        started_at=world.started_at(place.run) + attempt.begin * MILLISECOND,
        value=number_measured(measured, outcome, place.run, chance),
        bool_value=truth_measured(measured, outcome),
        string_value=text_measured(measured, outcome, chance),
        units=measured.units,
        measurement_outcome=outcome,
        run_id=world.id("runs", place.run),
        serial_number=world.serial_number(unit),
        sample=world.planned_unit(unit).sample,
        measurement_type=measured.kind,
        retry_count=attempt.retry,
        is_final_attempt=attempt.final,
        validators=validators(measured, outcome),
    )


def _find(place: Place) -> tuple[Attempt, tuple[Measured, str]]:
    """Find a measurement among those of its run."""
    planned = [(attempt, measured) for attempt in place.entry.attempts for measured in attempt.measured]
    return planned[place.item]


def _run_id(measurement: Measurement) -> str:
    return measurement.run_id


MEASUREMENTS: Resource[Measurement] = Resource(
    name="measurements",
    make=_make,
    count=lambda world: world.measurements,
    parameters=(
        Text("procedure_id", required=True),
        Text("phase_name"),
        Text("measurement_name"),
        Texts("phase_names"),
        Choices("outcomes", RUN_OUTCOMES),
        Texts("ids"),
        Span("duration_min"),
        Span("duration_max"),
        Texts("deployment_ids"),
        Texts("procedure_versions"),
        Choices("environments", ENVIRONMENTS),
        Texts("serial_numbers"),
        Texts("part_numbers"),
        Texts("revision_numbers"),
        Texts("batch_numbers"),
        Texts("operated_by_ids"),
        Texts("operated_by_names"),
        Texts("created_by_station_ids"),
        Texts("created_by_user_ids"),
        Moment("started_after"),
        Moment("started_before"),
        Flag("exclude_retries", preset=True),
        Number("value_min"),
        Number("value_max"),
        Flag("value_bool"),
        Texts("value_strings"),
        Choices("measurement_outcomes", MEASUREMENT_OUTCOMES),
        Choices("measurement_types", MEASUREMENT_TYPES),
        Choice(
            "sort_by",
            ("started_at", "value", "outcome", "serial_number", "phase_name", "measurement_name"),
            preset="started_at",
        ),
        Choice("sort_order", ORDERS, preset="desc"),
        *pages(),
    ),
    tests={
        "procedure_id": of_procedure(_run_id),
        "exclude_retries": if_asked(lambda measurement: measurement.is_final_attempt),
        "phase_name": equal_to(lambda measurement: measurement.phase_name),
        "measurement_name": equal_to(lambda measurement: measurement.measurement_name),
        "phase_names": among(lambda measurement: measurement.phase_name),
        **{name: of_run(name, _run_id) for name in (*FILTERS_OF_RUNS, "outcomes", "serial_numbers")},
        "started_after": since(lambda measurement: measurement.started_at),
        "started_before": until(lambda measurement: measurement.started_at),
        "value_min": at_least(lambda measurement: measurement.value),
        "value_max": at_most(lambda measurement: measurement.value),
        "value_bool": equal_to(lambda measurement: measurement.bool_value),
        "value_strings": among(lambda measurement: measurement.string_value),
        "measurement_outcomes": among(lambda measurement: measurement.measurement_outcome),
        "measurement_types": among(lambda measurement: measurement.measurement_type),
    },
    bounds=("started_after", "started_before"),
    narrow=by_procedure(lambda world: world.cycle.measurements_before, each_measured),
    sorts={
        "started_at": lambda measurement: measurement.started_at,
        "value": lambda measurement: measurement.value,
        "outcome": lambda measurement: measurement.measurement_outcome,
        "serial_number": lambda measurement: measurement.serial_number,
        "phase_name": lambda measurement: measurement.phase_name,
        "measurement_name": lambda measurement: measurement.measurement_name,
    },
    order="started_at",
)
