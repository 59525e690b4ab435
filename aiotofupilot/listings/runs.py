"""The listings of runs, and of what they wrote: log lines, measurements and phases.

Sources: https://www.tofupilot.com/docs/dashboard/api/v2/runs/list, and the official Python SDK ``tofupilot`` 2.26.1,
``v2/models/log_listop.py``, ``measurement_listop.py`` and ``phase_listop.py``
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Literal, Unpack

from aiotofupilot import models  # noqa: F401 - the strings below name its classes
from aiotofupilot._paging.paginator import Paginator
from aiotofupilot.models import Log, Measurement, Phase, Run

from ._arguments import (
    OfOperatedRun,
    OfProcedure,
    OfRun,
    PageOptions,
    RunOutcome,
    ServerDefault,
    UnitSamples,
    WithMetadata,
    WithOrder,
)
from ._base import ByRun, Listing
from ._items import Detailed


class RunArguments(OfOperatedRun, WithMetadata, WithOrder, PageOptions, total=False):
    """Arguments of ``session.runs.list()``."""

    search_query: Annotated[
        str | None, "Text that the serial number contains, or the beginning of the run's ID, 8 characters or more."
    ]
    ids: Annotated[Sequence[str] | None, "IDs of runs."]
    outcomes: Annotated[Sequence[RunOutcome] | None, "How the run ended."]
    procedure_ids: Annotated[Sequence[str] | None, "IDs of the procedures that were run."]
    execution_ids: Annotated[Sequence[str] | None, "IDs of executions. One execution can test several slots together."]
    slot_keys: Annotated[Sequence[str] | None, "Keys of the slots in which the units were tested."]
    slot_names: Annotated[Sequence[str] | None, "Names of the slots in which the units were tested."]
    samples: UnitSamples
    duration_min: Annotated[timedelta | None, "Only runs that took this long or longer."]
    duration_max: Annotated[timedelta | None, "Only runs that took this long or shorter."]
    started_after: Annotated[datetime | None, "Only runs started at this time or later."]
    started_before: Annotated[datetime | None, "Only runs started at this time or earlier."]
    ended_after: Annotated[datetime | None, "Only runs ended at this time or later."]
    ended_before: Annotated[datetime | None, "Only runs ended at this time or earlier."]
    created_after: Annotated[datetime | None, "Only runs created at this time or later."]
    created_before: Annotated[datetime | None, "Only runs created at this time or earlier."]
    include_sequences: Annotated[
        bool | None, "Whether runs come with the sequences at their top level.", ServerDefault(False)
    ]
    sort_by: Annotated[
        Literal["started_at", "created_at", "duration", "outcome", "serial_number", "part_number", "revision_number"]
        | None,
        "What to sort by.",
        ServerDefault("started_at"),
    ]


class Runs(Listing[Run], Detailed["models.RunDetails"]):
    """The runs that the key may read."""

    stable_orders: ClassVar[frozenset[str]] = frozenset({"started_at", "created_at", "duration"})
    other_orders: ClassVar[tuple[str, ...]] = ("started_at", "created_at", "serial_number", "duration")
    sort_paths: ClassVar[dict[str | None, tuple[str, ...]]] = {"serial_number": ("unit", "serial_number")}

    def list(self, **arguments: Unpack[RunArguments]) -> Paginator[Run]:
        """List runs, the latest started first."""
        return self._listed(arguments)


class LogArguments(OfRun, WithOrder, PageOptions, total=False):
    """Arguments of ``session.logs.list()``."""

    search_query: Annotated[str | None, "Text that the message contains."]
    levels: Annotated[Sequence[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]] | None, "Levels of the lines."]
    timestamp_after: Annotated[datetime | None, "Only lines with a ``created_at`` of this time or later."]
    timestamp_before: Annotated[datetime | None, "Only lines with a ``created_at`` of this time or earlier."]
    source_files: Annotated[Sequence[str] | None, "Files that wrote the lines."]
    run_ids: Annotated[Sequence[str] | None, "IDs of the runs that wrote the lines."]
    run_outcomes: Annotated[Sequence[RunOutcome] | None, "How the run ended."]
    procedure_ids: Annotated[Sequence[str] | None, "IDs of the procedures that were run."]
    samples: Annotated[
        Sequence[Literal["golden", "failing", "ignored"]] | None,
        "What the units are samples of. This listing has no value for units that are not samples.",
    ]
    sort_by: Annotated[
        Literal["created_at", "level", "run_id", "outcome"] | None,
        "What to sort by. ``outcome`` is the outcome of the run.",
        ServerDefault("created_at"),
    ]


class Logs(Listing[Log], Detailed["models.Log"]):
    """The lines in the logs of runs. The API does not document the length of pages, so 100 is assumed."""

    is_recent: ClassVar[bool] = True
    stable_orders: ClassVar[frozenset[str]] = frozenset({"created_at", "level", "run_id"})
    other_orders: ClassVar[tuple[str, ...]] = ("run_id", "level")
    creation_filter: ClassVar[str | None] = "timestamp"
    sort_paths: ClassVar[dict[str | None, tuple[str, ...]]] = {"run_id": ("run", "id")}
    by_run: ClassVar[ByRun | None] = ByRun(Runs, run_ids="run_ids", run_id=("run", "id"))

    def list(self, **arguments: Unpack[LogArguments]) -> Paginator[Log]:
        """List log lines, the latest written first.

        ``timestamp_after`` and ``timestamp_before`` bound the ``created_at`` of a line.
        """
        return self._listed(arguments)


class MeasurementArguments(OfProcedure, WithOrder, PageOptions, total=False):
    """Arguments of ``session.measurements.list()``."""

    phase_name: Annotated[str | None, "Name of the phase that measured."]
    measurement_name: Annotated[str | None, "Name of the measurement."]
    phase_names: Annotated[Sequence[str] | None, "Names of the phases that measured."]
    outcomes: Annotated[Sequence[RunOutcome] | None, "Outcomes of runs, not of the measurements themselves."]
    measurement_outcomes: Annotated[
        Sequence[Literal["PASS", "FAIL", "UNSET"]] | None,
        "Outcomes of the measurements themselves. ``UNSET``: nothing checks the value.",
    ]
    measurement_types: Annotated[
        Sequence[Literal["numeric", "boolean", "string", "multidimensional", "empty", "json"]] | None,
        "Types of the measured values.",
    ]
    value_min: Annotated[float | None, "Only measurements whose numeric value is this or more; finite."]
    value_max: Annotated[float | None, "Only measurements whose numeric value is this or less; finite."]
    value_bool: Annotated[bool | None, "Only measurements with this truth value."]
    value_strings: Annotated[Sequence[str] | None, "Texts that were measured."]
    sort_by: Annotated[
        Literal["started_at", "value", "outcome", "serial_number", "phase_name", "measurement_name"] | None,
        "What to sort by.",
        ServerDefault("started_at"),
    ]


class Measurements(Listing[Measurement], Detailed["models.MeasurementDetails"]):
    """The values that runs measured. The API does not document the length of pages, so 100 is assumed."""

    is_recent: ClassVar[bool] = True
    stable_orders: ClassVar[frozenset[str]] = frozenset({"measurement_name", "phase_name", "started_at", "value"})
    other_orders: ClassVar[tuple[str, ...]] = ("measurement_name", "value", "phase_name", "serial_number")
    by_run: ClassVar[ByRun | None] = ByRun(Runs, run_ids="ids", run_id=("run_id",), procedure_id="procedure_id")

    def list(self, **arguments: Unpack[MeasurementArguments]) -> Paginator[Measurement]:
        """List measurements of a procedure, the latest first.

        One procedure has to be named. ``exclude_retries`` leaves out the measurements of an attempt that was followed
        by another attempt at the same phase. ``ids`` and ``outcomes`` filter by the run, and ``measurement_outcomes``
        filters by the measurement itself.
        """
        return self._listed(arguments)


class PhaseArguments(OfProcedure, WithOrder, PageOptions, total=False):
    """Arguments of ``session.phases.list()``."""

    names: Annotated[Sequence[str] | None, "Names of phases."]
    outcomes: Annotated[Sequence[Literal["PASS", "FAIL", "SKIP", "ERROR"]] | None, "Outcomes of the phases themselves."]
    run_outcomes: Annotated[Sequence[RunOutcome] | None, "Outcomes of runs, not of the phases themselves."]
    sequence_paths: Annotated[Sequence[str] | None, "Paths of the sequences that hold the phases."]
    samples: UnitSamples
    sort_by: Annotated[
        Literal["started_at", "duration", "outcome", "serial_number", "phase_name"] | None,
        "What to sort by.",
        ServerDefault("started_at"),
    ]


class Phases(Listing[Phase], Detailed["models.PhaseDetails"]):
    """The phases of runs. The API does not document the length of pages, so 100 is assumed."""

    is_recent: ClassVar[bool] = True
    stable_orders: ClassVar[frozenset[str]] = frozenset({"duration", "phase_name", "started_at"})
    other_orders: ClassVar[tuple[str, ...]] = ("phase_name", "duration", "serial_number")
    sort_paths: ClassVar[dict[str | None, tuple[str, ...]]] = {
        "duration": ("duration_ms",),
        "phase_name": ("name",),
    }
    by_run: ClassVar[ByRun | None] = ByRun(Runs, run_ids="ids", run_id=("run_id",), procedure_id="procedure_id")

    def list(self, **arguments: Unpack[PhaseArguments]) -> Paginator[Phase]:
        """List phases of a procedure, the latest first.

        One procedure has to be named. ``exclude_retries`` leaves out an attempt at a phase that was followed by another
        attempt. ``ids`` and ``run_outcomes`` filter by the run, and ``outcomes`` filters by the phase itself.
        """
        return self._listed(arguments)
