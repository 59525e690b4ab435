"""The listing of measurements. Its ``ids`` and ``outcomes`` are about runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiotofupilot.models import Measurement, Validator
from aiotofupilot.sandbox.data import uuid
from aiotofupilot.sandbox.resource import (
    Resource,
    among,
    at_least,
    at_most,
    equal_to,
    if_asked,
    sorting,
    until,
)
from aiotofupilot.sandbox.world import MILLISECOND

from .runs import of_procedure, of_run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from aiotofupilot.sandbox.plan import Entry
    from aiotofupilot.sandbox.recipes import Limit, Measured
    from aiotofupilot.sandbox.world import World

__all__ = ["MEASUREMENTS"]

_RECALIBRATION = 2000  # runs from one recalibration of the instruments to the next


def _make(world: World, entry: Entry) -> Iterator[Measurement]:
    """Make the measurements of a run."""
    run, random = entry.run, world.random("measurements", entry.index)
    for attempt in entry.attempts:
        for measured, outcome in attempt.measured:
            known = outcome != "UNSET"
            yield Measurement(
                id=uuid(random),
                phase_name=attempt.step.name,
                measurement_name=measured.name,
                started_at=run.started_at + attempt.begin * MILLISECOND,
                value=_number(measured, outcome, entry.index, random) if known and measured.kind == "numeric" else None,
                bool_value=outcome == "PASS" if known and measured.kind == "boolean" else None,
                string_value=_text(measured, outcome, random) if known and measured.kind == "string" else None,
                units=measured.units,
                measurement_outcome=outcome,
                run_id=run.id,
                serial_number=run.unit.serial_number,
                sample=run.unit.sample,
                measurement_type=measured.kind,
                retry_count=attempt.retry,
                is_final_attempt=attempt.final,
                validators=tuple(_validators(measured, outcome)) or None,
            )


def _number(measured: Measured, outcome: str, run: int, random: Random) -> float:
    """Return a measured number. It is within the limits if and only if it passes."""
    low, high = measured.low, measured.high
    least = low if low is not None else 0.2 * (high or 0.0)
    most = high if high is not None else 1.08 * least
    noise = random.random()
    if outcome == "FAIL":
        place = 1.05 + 0.35 * noise if high is not None else -1.05 - 0.35 * noise
    else:
        drift = 1.1 * (run % _RECALIBRATION) / _RECALIBRATION - 0.3 if measured.drifts else 0.0
        place = max(-0.97, min(0.97, drift + 0.5 * (noise - 0.5)))
    return round((least + most) / 2 + place * (most - least) / 2, 4)


def _text(measured: Measured, outcome: str, random: Random) -> str:
    """Return a measured text."""
    allowed = measured.expected if isinstance(measured.expected, tuple) else (str(measured.expected),)
    return random.choice(allowed) if outcome == "PASS" else "unreadable"


def _validators(measured: Measured, outcome: str) -> Iterator[Validator]:
    """Yield the checks of a measured value. Only the last limit can fail."""
    limits = measured.limits
    for limit in limits:
        yield _validator(limit, outcome if limit is limits[-1] or outcome == "UNSET" else "PASS")
    if measured.expression is not None:
        yield Validator(
            outcome=outcome,
            operator=None,
            expected_value=None,
            expression=measured.expression,
            is_decisive=None,
            is_expression_only=True,
            analytics_expression=None,
            has_custom_expression=True,
        )


def _validator(limit: Limit, outcome: str) -> Validator:
    """Return one check."""
    expected = list(limit.expected) if isinstance(limit.expected, tuple) else limit.expected
    expression = f"x {limit.operator} {expected!r}"
    return Validator(
        outcome=outcome,
        operator=limit.operator,
        expected_value=limit.expected,
        expression=expression,
        is_decisive=True,
        is_expression_only=False,
        analytics_expression=expression,
        has_custom_expression=False,
    )


MEASUREMENTS: Resource[Measurement] = Resource(
    name="measurements",
    source=lambda world: world.entries,
    make=_make,
    filters={
        "procedure_id": of_procedure("run_id"),
        "phase_name": equal_to("phase_name"),
        "measurement_name": equal_to("measurement_name"),
        "phase_names": among("phase_name"),
        "outcomes": of_run("outcomes", "run_id"),
        "ids": of_run("ids", "run_id"),
        "duration_min": of_run("duration_min", "run_id"),
        "duration_max": of_run("duration_max", "run_id"),
        "deployment_ids": of_run("deployment_ids", "run_id"),
        "procedure_versions": of_run("procedure_versions", "run_id"),
        "environments": of_run("environments", "run_id"),
        "serial_numbers": of_run("serial_numbers", "run_id"),
        "part_numbers": of_run("part_numbers", "run_id"),
        "revision_numbers": of_run("revision_numbers", "run_id"),
        "batch_numbers": of_run("batch_numbers", "run_id"),
        "operated_by_ids": of_run("operated_by_ids", "run_id"),
        "operated_by_names": of_run("operated_by_names", "run_id"),
        "created_by_station_ids": of_run("created_by_station_ids", "run_id"),
        "created_by_user_ids": of_run("created_by_user_ids", "run_id"),
        "started_after": at_least("started_at"),
        "started_before": until("started_at"),
        "exclude_retries": if_asked("is_final_attempt"),
        "value_min": at_least("value"),
        "value_max": at_most("value"),
        "value_bool": equal_to("bool_value"),
        "value_strings": among("string_value"),
        "measurement_outcomes": among("measurement_outcome"),
        "measurement_types": among("measurement_type"),
        "sort_by": None,
        "sort_order": None,
        "limit": None,
    },
    sorts=sorting(
        started_at="started_at",
        value="value",
        outcome="measurement_outcome",
        serial_number="serial_number",
        phase_name="phase_name",
        measurement_name="measurement_name",
    ),
)
