"""The register of listings: one module for each listing, with its import and its line here.

- `by_run` has the filters that look at runs. The listings of what runs wrote have them too.
- `described` adds metadata to items, and `creators` names creators without their addresses.
- `planned` finds made-up items by the plan of production, without making them.
- `enums` has the words that the API knows.
"""

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
    from aiotofupilot.sandbox.resource import Resource

__all__ = [
    "BATCHES",
    "DEPLOYMENTS",
    "LOGS",
    "MEASUREMENTS",
    "PARTS",
    "PHASES",
    "PROCEDURES",
    "RESOURCES",
    "RUNS",
    "STATIONS",
    "UNITS",
    "USERS",
]

RESOURCES: tuple[Resource[Any], ...] = (
    PROCEDURES,
    RUNS,
    UNITS,
    PARTS,
    BATCHES,
    STATIONS,
    USERS,
    DEPLOYMENTS,
    LOGS,
    MEASUREMENTS,
    PHASES,
)
"""Every listing that the sandbox answers for."""
