"""Phases of runs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from aiotofupilot.models import Phase

from .identity import aware, identified
from .runs import make_run

if TYPE_CHECKING:
    from datetime import datetime

    from aiotofupilot.models import Run

__all__ = ["make_phase"]


def make_phase(
    name: str = "Power Up",
    *,
    id: str | None = None,  # noqa: A002 - the API's name
    run: Run | None = None,
    outcome: str = "PASS",
    started_at: datetime | None = None,
    duration_ms: int | None = 1_500,
    retry_count: int = 0,
    is_final_attempt: bool = True,
    sequence_path: str | None = None,
) -> Phase:
    """Make a phase of a run. Its end follows from its start and its duration.

    Args:
        name: Display name.
        id: None: a UUID that depends on the other arguments.
        run: The run. None: the one of `make_run`.
        outcome: ``PASS``, ``FAIL``, ``SKIP``, ``ERROR``, or another value.
        started_at: Timezone-aware. None: when the run began.
        duration_ms: How long it took, in milliseconds. None: it did not end.
        retry_count: How many attempts at the phase came before this one.
        is_final_attempt: Whether this is the last attempt at the phase.
        sequence_path: Path of the sequence that holds the phase. None: no sequence holds it.

    Raises:
        ValueError: `started_at` is naive.
    """
    run = run or make_run()
    started_at = run.started_at if started_at is None else aware("started_at", started_at)
    phase = Phase(
        id="",
        name=name,
        outcome=outcome,
        started_at=started_at,
        ended_at=None if duration_ms is None else aware("ended_at", started_at + timedelta(milliseconds=duration_ms)),
        duration_ms=duration_ms,
        retry_count=retry_count,
        sequence_path=sequence_path,
        is_final_attempt=is_final_attempt,
        run_id=run.id,
        run_outcome=run.outcome,
        serial_number=run.unit.serial_number,
        sample=run.unit.sample,
    )
    return identified(phase, id, "phase")
