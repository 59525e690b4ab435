"""The listing of phases, of one procedure at a time.

Source: the official Python SDK ``tofupilot`` 2.26.1, ``v2/models/phase_listop.py``
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Unpack

from aiotofupilot._paging.paginator import Paginator
from aiotofupilot.models import Phase, PhaseDetails

from ._base import Listing
from ._declaration import ServerDefault
from ._query import ByRun
from ._resource import Detailed
from ._shared import OfProcedure, PageOptions, PhaseOutcome, RunOutcome, UnitSamples, WithOrder
from .runs import Runs

PhaseOrder = Literal["started_at", "duration", "outcome", "serial_number", "phase_name"]
"""What phases can be sorted by."""


class PhaseFilters(OfProcedure, WithOrder, PageOptions, total=False):
    """What ``session.phases.list()`` takes."""

    names: Annotated[Sequence[str] | None, "Names of phases."]
    outcomes: Annotated[Sequence[PhaseOutcome] | None, "Outcomes of the phases themselves."]
    run_outcomes: Annotated[
        Sequence[RunOutcome] | None, "Outcomes of runs. They do not look at the outcome of the phase."
    ]
    sequence_paths: Annotated[Sequence[str] | None, "Paths of the sequences that hold the phases."]
    samples: UnitSamples
    sort_by: Annotated[PhaseOrder | None, "What to sort by.", ServerDefault("started_at")]


class Phases(Listing[Phase], Detailed[PhaseDetails]):
    """The phases of runs. The API does not document the length of pages, so 100 is assumed."""

    is_recent: ClassVar[bool] = True
    stable_orders: ClassVar[frozenset[str]] = frozenset({"duration", "phase_name", "started_at"})
    sort_paths: ClassVar[dict[str | None, tuple[str, ...]]] = {
        "duration": ("duration_ms",),
        "phase_name": ("name",),
    }
    shard_field: ClassVar[str | None] = "started_at"
    by_run: ClassVar[ByRun | None] = ByRun(Runs, run_ids="ids", run_id=("run_id",), procedure_id="procedure_id")

    def list(self, **arguments: Unpack[PhaseFilters]) -> Paginator[Phase]:
        """List phases of a procedure, the latest first.

        One procedure has to be named. ``exclude_retries`` decides whether an attempt at a phase that was followed by
        another attempt is left out. ``ids`` and ``run_outcomes`` are about runs, and ``outcomes`` about the phases
        themselves.
        """
        return self._listed(arguments)
