"""Runs, with their units, procedures and sequences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from aiotofupilot.models import LastRun, ProcedureRef, Run, RunProcedure, RunSequence, RunUnit

from .identity import aware, identified, identify
from .people import make_operator, user_ref
from .procedures import make_procedure, make_procedure_version
from .stations import make_station, station_ref
from .units import make_unit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiotofupilot.models import (
        Metadata,
        Operator,
        Procedure,
        ProcedureVersion,
        Station,
        StationRef,
        Unit,
        User,
        UserRef,
    )

__all__ = ["make_last_run", "make_run", "make_run_procedure", "make_run_sequence", "make_run_unit"]

_STARTED_AT = datetime(2026, 2, 2, 9, 30, tzinfo=UTC)
_UPLOAD = timedelta(seconds=1)


def make_run_unit(unit: Unit | None = None) -> RunUnit:
    """Make the reference of a run to its unit.

    Args:
        unit: The unit. None: the one of `make_unit`.
    """
    unit = unit or make_unit()
    return RunUnit(id=unit.id, serial_number=unit.serial_number, sample=unit.sample, part=unit.part, batch=unit.batch)


def make_run_procedure(procedure: Procedure | None = None, version: ProcedureVersion | None = None) -> RunProcedure:
    """Make the reference of a run to its procedure.

    Args:
        procedure: The procedure. None: the one of `make_procedure`.
        version: The version that was run. None: the run names no version.
    """
    procedure = procedure or make_procedure()
    return RunProcedure(procedure.id, procedure.name, version)


def make_run_sequence(
    path: str = "main",
    *,
    id: str | None = None,  # noqa: A002 - the API's name
    name: str | None = None,
    source: str | None = "./main.yaml",
    outcome: str = "PASS",
    started_at: datetime | None = _STARTED_AT,
    duration: timedelta | None = timedelta(seconds=60),
) -> RunSequence:
    """Make a sequence of a run.

    Args:
        path: The keys from the top level down, with dots between them. The last one is the key of the sequence.
        id: None: a UUID that depends on the other arguments.
        name: Display name. None: the key.
        source: The file that defines it. None: the server names none.
        outcome: How it ended.
        started_at: Timezone-aware. None: it did not begin, so it has no end either.
        duration: How long it took. None: it did not end.

    Raises:
        ValueError: `started_at` is naive.
    """
    parent_path, _, key = path.rpartition(".")
    if started_at is None:
        duration = None
    else:
        started_at = aware("started_at", started_at)
    name = name or key
    return RunSequence(
        id=id or identify("sequence", path, name, source, outcome, started_at, duration),
        path=path,
        key=key,
        parent_path=parent_path or None,
        name=name,
        source=source,
        outcome=outcome,
        started_at=started_at,
        ended_at=None if started_at is None or duration is None else aware("ended_at", started_at + duration),
        duration=duration,
    )


def make_run(
    outcome: str = "PASS",
    *,
    id: str | None = None,  # noqa: A002 - the API's name
    unit: Unit | None = None,
    procedure: Procedure | None = None,
    version: str | None = "v1.0.0",
    started_at: datetime = _STARTED_AT,
    duration: timedelta = timedelta(seconds=90),
    created_at: datetime | None = None,
    execution_id: str | None = None,
    slot_key: str | None = None,
    slot_name: str | None = None,
    docstring: str | None = None,
    created_by_user: User | UserRef | None = None,
    created_by_station: Station | StationRef | None = make_station(),  # noqa: B008 - a value
    operated_by: Operator | None = make_operator(),  # noqa: B008 - a value
    metadata: Metadata | None = None,
    sequences: Iterable[RunSequence] | None = None,
) -> Run:
    """Make a run, by default one that passed and that a station uploaded. Its end follows from start and duration.

    Args:
        outcome: ``PASS``, ``FAIL``, ``ERROR``, ``TIMEOUT``, ``ABORTED``, or another value.
        id: None: a UUID that depends on the other arguments.
        unit: The unit that was tested. None: the one of `make_unit`.
        procedure: The procedure that was run. None: the one of `make_procedure`.
        version: Tag of the procedure's version. None: the run names no version.
        started_at: Timezone-aware.
        duration: How long it took.
        created_at: When it was uploaded; timezone-aware. None: one second after its end.
        execution_id: The execution that the run is part of. None: it is not part of one.
        slot_key: Key of the slot that the unit was tested in. None: the station has no slots.
        slot_name: Display name of the slot. None: the station has no slots.
        docstring: The docstring of the test script. None: it has none.
        created_by_user: None: no user uploaded it.
        created_by_station: None: no station uploaded it.
        operated_by: None: the run names nobody.
        metadata: None: the listing did not ask for it.
        sequences: Sequences at the top level. None: the listing did not ask for them.

    Raises:
        ValueError: A moment is naive.
    """
    procedure = procedure or make_procedure()
    started_at = aware("started_at", started_at)
    ended_at = aware("ended_at", started_at + duration)
    run = Run(
        id="",
        created_at=ended_at + _UPLOAD if created_at is None else aware("created_at", created_at),
        started_at=started_at,
        ended_at=ended_at,
        duration=duration,
        outcome=outcome,
        execution_id=execution_id,
        slot_key=slot_key,
        slot_name=slot_name,
        procedure=make_run_procedure(
            procedure, None if version is None else make_procedure_version(version, procedure=procedure)
        ),
        unit=make_run_unit(unit),
        docstring=docstring,
        created_by_user=user_ref(created_by_user),
        created_by_station=station_ref(created_by_station),
        operated_by=operated_by,
        metadata=metadata,
        sequences=None if sequences is None else tuple(sequences),
    )
    return identified(run, id, "run")


def make_last_run(run: Run | None = None) -> LastRun:
    """Make the reference of a unit to its latest run.

    Args:
        run: The run. None: the one of `make_run`.
    """
    run = run or make_run()
    procedure = ProcedureRef(run.procedure.id, run.procedure.name)
    return LastRun(run.id, run.outcome, run.started_at, run.ended_at, procedure)
