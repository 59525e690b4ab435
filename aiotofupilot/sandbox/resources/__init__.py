"""The register of listings: one module for each listing, with its import and its line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .batches import BATCHES
from .deployments import DEPLOYMENTS
from .logs import LOGS
from .measurements import MEASUREMENTS
from .parts import PARTS
from .phases import PHASES
from .procedures import PROCEDURES
from .runs import RUNS
from .stations import STATIONS
from .units import UNITS
from .users import USERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiotofupilot.sandbox.resource import Resource

__all__ = ["RESOURCES"]

RESOURCES: Mapping[str, Resource[Any]] = {
    resource.name: resource
    for resource in (
        *(PROCEDURES, RUNS, UNITS, PARTS, BATCHES, STATIONS),
        *(USERS, DEPLOYMENTS, LOGS, MEASUREMENTS, PHASES),
    )
}
"""Every listing that the sandbox answers for, by its name."""
