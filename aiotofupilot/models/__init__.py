"""The values that TofuPilot's listings are made of, one module for each listing.

- `page` is one page of a listing, and `raw` is an item without a model.
- `people` has users, and how other items refer to people. `metadata` is the type of metadata.
- `frozen` is how a model is defined. `fields` describes the fields of a model for whatever reads or writes all models,
  and `wire` has their names in the API's JSON.
- `listed` says which model each listing has.

Field names are the API's own. A few names are spelled otherwise on the wire. Such a field has that spelling in its
attrs metadata, under ``"wire"``, and `wire_name` reads it. All models are frozen attrs classes with slots. They compare
and hash by value. Metadata and the items of a page cannot be hashed, so they are left out of the hash. Enumerated
values are plain strings, so a value that TofuPilot adds later is accepted. Arrays in items are tuples. `MODELS` has the
model of each listing's items.

A model is loaded when it is first used. Making a class takes half a millisecond, and few programs use every listing.

Source: https://www.tofupilot.com/docs/api
"""

from typing import TYPE_CHECKING

__all__ = [
    "MODELS",
    "Batch",
    "BatchRef",
    "Commit",
    "Deployment",
    "DeploymentRepository",
    "LastRun",
    "Log",
    "LogRun",
    "Measurement",
    "Metadata",
    "Operator",
    "Page",
    "PageMeta",
    "Part",
    "PartRef",
    "Phase",
    "Procedure",
    "ProcedureRef",
    "ProcedureVersion",
    "RawItem",
    "Repository",
    "Revision",
    "Run",
    "RunProcedure",
    "RunSequence",
    "RunUnit",
    "Station",
    "StationRef",
    "Team",
    "Unit",
    "UnitRef",
    "User",
    "UserRef",
    "Validator",
    "wire_name",
]

if TYPE_CHECKING:
    from .batches import Batch, BatchRef
    from .deployments import Commit, Deployment, DeploymentRepository
    from .listed import MODELS
    from .logs import Log, LogRun
    from .measurements import Measurement, Validator
    from .metadata import Metadata
    from .page import Page, PageMeta
    from .parts import Part, PartRef, Revision
    from .people import Operator, User, UserRef
    from .phases import Phase
    from .procedures import Procedure, ProcedureRef, ProcedureVersion, Repository
    from .raw import RawItem
    from .runs import Run, RunProcedure, RunSequence, RunUnit
    from .stations import Station, StationRef, Team
    from .units import LastRun, Unit, UnitRef
    from .wire import wire_name
else:  # hidden from type checkers, because they would then accept any name
    from aiotofupilot import _lazy

    _NEEDED_MOST_FIRST = (
        *("page", "people", "procedures", "parts", "stations", "batches", "units", "runs"),
        *("phases", "measurements", "logs", "deployments", "metadata", "raw", "wire", "fields", "listed"),
    )
    __getattr__, __dir__ = _lazy.lazy(__name__, __all__, _NEEDED_MOST_FIRST)
