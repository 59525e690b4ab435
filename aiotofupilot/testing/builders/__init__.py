"""Builders of models for tests. The models are valid and complete. The same arguments make the same model.

There is one module for each listing, except that batches are in `units`. `people` has users and operators, `pages` has
pages, and `identity` makes IDs.

A builder takes the item that its item belongs to: ``make_run(unit=make_unit("SN-1"))`` is a run of the unit
``make_unit("SN-1")``, and ``make_run()`` is a run of ``make_unit()``. An ID that is not given is a UUID that depends on
the other arguments, so items with other arguments are other items.

Moments have to be timezone-aware. A naive one is a ValueError. A fraction of a millisecond is dropped, because the API
sends none. Use ``attrs.evolve`` to change a field for which a
builder has no argument.
"""

from .deployments import make_commit, make_deployment, make_deployment_repository
from .logs import make_log, make_log_run
from .measurements import make_measurement, make_validator
from .pages import make_page
from .parts import make_part, make_part_ref, make_revision
from .people import make_operator, make_user, make_user_ref
from .phases import make_phase
from .procedures import make_procedure, make_procedure_ref, make_procedure_version, make_repository
from .runs import make_last_run, make_run, make_run_procedure, make_run_sequence, make_run_unit
from .stations import make_station, make_station_ref, make_team
from .units import make_batch, make_batch_ref, make_unit, make_unit_ref

__all__ = [
    "make_batch",
    "make_batch_ref",
    "make_commit",
    "make_deployment",
    "make_deployment_repository",
    "make_last_run",
    "make_log",
    "make_log_run",
    "make_measurement",
    "make_operator",
    "make_page",
    "make_part",
    "make_part_ref",
    "make_phase",
    "make_procedure",
    "make_procedure_ref",
    "make_procedure_version",
    "make_repository",
    "make_revision",
    "make_run",
    "make_run_procedure",
    "make_run_sequence",
    "make_run_unit",
    "make_station",
    "make_station_ref",
    "make_team",
    "make_unit",
    "make_unit_ref",
    "make_user",
    "make_user_ref",
    "make_validator",
]
