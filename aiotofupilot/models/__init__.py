"""The values that TofuPilot's listings are made of.

- `items` has the items of the listings, and `refs` has what they hold and refer to.
- `page` is one page of a listing, and an item without a model.
- `fields` says how a model is defined, and describes the fields of a model for whatever reads or writes all models.

Field names are the API's own. A few names are spelled otherwise on the wire. Such a field has that spelling in its
attrs metadata, under ``"wire"``, and `wire_name` reads it. All models are frozen attrs classes with slots. They compare
and hash by value. Metadata and the items of a page cannot be hashed, so they are left out of the hash. Enumerated
values are plain strings, so a value that TofuPilot adds later is accepted. Arrays in items are tuples. `MODELS` has the
model of each listing's items.

A module is loaded when one of its models is first used.

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
    from .fields import wire_name
    from .items import MODELS, Batch, Deployment, Log, Measurement, Part, Phase, Procedure, Run, Station, Unit, User
    from .page import Page, PageMeta, RawItem
    from .refs import (
        BatchRef,
        Commit,
        DeploymentRepository,
        LastRun,
        LogRun,
        Metadata,
        Operator,
        PartRef,
        ProcedureRef,
        ProcedureVersion,
        Repository,
        Revision,
        RunProcedure,
        RunSequence,
        RunUnit,
        StationRef,
        Team,
        UnitRef,
        UserRef,
        Validator,
    )
else:  # hidden from type checkers, because they would then accept any name
    from aiotofupilot import _lazy

    __getattr__, __dir__ = _lazy.lazy(__name__, __all__, ("page", "fields", "refs", "items"))
