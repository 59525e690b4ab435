"""The listing of measurements, of one procedure at a time.

Source: the official Python SDK ``tofupilot`` 2.26.1, ``v2/models/measurement_listop.py``
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Unpack

from aiotofupilot._paging.paginator import Paginator
from aiotofupilot.models import Measurement, MeasurementDetails

from ._base import Listing
from ._declaration import ServerDefault
from ._query import ByRun
from ._resource import Detailed
from ._shared import MeasurementOutcome, MeasurementType, OfProcedure, PageOptions, RunOutcome, WithOrder
from .runs import Runs

MeasurementOrder = Literal["started_at", "value", "outcome", "serial_number", "phase_name", "measurement_name"]
"""What measurements can be sorted by."""


class MeasurementFilters(OfProcedure, WithOrder, PageOptions, total=False):
    """What ``session.measurements.list()`` takes."""

    phase_name: Annotated[str | None, "Name of the phase that measured."]
    measurement_name: Annotated[str | None, "Name of the measurement."]
    phase_names: Annotated[Sequence[str] | None, "Names of the phases that measured."]
    outcomes: Annotated[
        Sequence[RunOutcome] | None, "Outcomes of runs. They do not look at the outcome of the measurement."
    ]
    measurement_outcomes: Annotated[Sequence[MeasurementOutcome] | None, "Outcomes of the measurements themselves."]
    measurement_types: Annotated[Sequence[MeasurementType] | None, "Types of the measured values."]
    value_min: Annotated[float | None, "Only measurements whose numeric value is this or more; finite."]
    value_max: Annotated[float | None, "Only measurements whose numeric value is this or less; finite."]
    value_bool: Annotated[bool | None, "Only measurements with this truth value."]
    value_strings: Annotated[Sequence[str] | None, "Texts that were measured."]
    sort_by: Annotated[MeasurementOrder | None, "What to sort by.", ServerDefault("started_at")]


class Measurements(Listing[Measurement], Detailed[MeasurementDetails]):
    """The values that runs measured. The API does not document the length of pages, so 100 is assumed."""

    is_recent: ClassVar[bool] = True
    stable_orders: ClassVar[frozenset[str]] = frozenset({"measurement_name", "phase_name", "started_at", "value"})
    shard_field: ClassVar[str | None] = "started_at"
    by_run: ClassVar[ByRun | None] = ByRun(Runs, run_ids="ids", run_id=("run_id",), procedure_id="procedure_id")

    def list(self, **arguments: Unpack[MeasurementFilters]) -> Paginator[Measurement]:
        """List measurements of a procedure, the latest first.

        One procedure has to be named. ``exclude_retries`` decides whether measurements of an attempt that was followed
        by another attempt at the same phase are left out. ``ids`` and ``outcomes`` are about runs, and
        ``measurement_outcomes`` about the measurements themselves.
        """
        return self._listed(arguments)
