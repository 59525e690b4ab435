"""Log lines of runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiotofupilot.models import Log, LogRun, ProcedureRef, UnitRef

from .identity import aware, identified
from .runs import make_run

if TYPE_CHECKING:
    from datetime import datetime

    from aiotofupilot.models import Run

__all__ = ["make_log", "make_log_run"]


def make_log_run(run: Run | None = None) -> LogRun:
    """Make the reference of a log line to its run.

    Args:
        run: The run. None: the one of `make_run`.
    """
    run = run or make_run()
    return LogRun(run.id, run.outcome, run.started_at)


def make_log(
    message: str = "Supply voltage is stable",
    *,
    id: str | None = None,  # noqa: A002 - the API's name
    run: Run | None = None,
    level: str = "INFO",
    created_at: datetime | None = None,
    source_file: str | None = "main.py",
    line_number: int | None = 1,
) -> Log:
    """Make a log line. The user or station that uploaded the run uploaded the line too.

    Args:
        message: Text of the line.
        id: None: a UUID that depends on the other arguments.
        run: The run that wrote it. None: the one of `make_run`.
        level: ``DEBUG``, ``INFO``, ``WARNING``, ``ERROR``, ``CRITICAL``, or another value.
        created_at: When it was written; timezone-aware. None: when the run began.
        source_file: The source file that wrote it. None: the server names none.
        line_number: The line in the source file. None: the server names none.

    Raises:
        ValueError: `created_at` is naive.
    """
    run = run or make_run()
    log = Log(
        id="",
        level=level,
        message=message,
        created_at=run.started_at if created_at is None else aware("created_at", created_at),
        source_file=source_file,
        line_number=line_number,
        run=make_log_run(run),
        unit=UnitRef(run.unit.id, run.unit.serial_number),
        procedure=ProcedureRef(run.procedure.id, run.procedure.name),
        created_by_user=run.created_by_user,
        created_by_station=run.created_by_station,
    )
    return identified(log, id, "log")
