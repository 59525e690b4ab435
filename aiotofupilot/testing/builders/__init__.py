"""Models for tests: valid, complete, and the same for the same arguments.

An item that belongs to another is made of it: ``make_run(unit=make_unit("SN-1"))`` is a run of the unit that
``make_unit("SN-1")`` makes, and without arguments it is a run of ``make_unit()``. An ID that is not given is a UUID
that depends on the other arguments, so that items made of other arguments are other items.

Moments have to be timezone-aware, or it is a ValueError. For what a builder has no argument for, ``attrs.evolve`` makes
another item of the one that was built.
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
