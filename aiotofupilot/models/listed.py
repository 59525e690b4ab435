"""What each listing lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .batches import Batch
from .deployments import Deployment
from .logs import Log
from .measurements import Measurement
from .parts import Part
from .people import User
from .phases import Phase
from .procedures import Procedure
from .runs import Run
from .stations import Station
from .units import Unit

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MODELS"]

MODELS: Mapping[str, type] = {
    "procedures": Procedure,
    "runs": Run,
    "units": Unit,
    "parts": Part,
    "batches": Batch,
    "stations": Station,
    "users": User,
    "deployments": Deployment,
    "logs": Log,
    "measurements": Measurement,
    "phases": Phase,
}
"""The model of each listing, by the listing's name. Runs stand before what they wrote."""
