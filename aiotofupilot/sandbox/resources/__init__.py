"""The register of listings: one line for each, beside its import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .procedures import PROCEDURES
from .runs import RUNS
from .users import USERS

if TYPE_CHECKING:
    from aiotofupilot.sandbox.resource import Resource

__all__ = ["PROCEDURES", "RESOURCES", "RUNS", "USERS"]

RESOURCES: tuple[Resource[Any], ...] = (
    PROCEDURES,
    RUNS,
    USERS,
)
"""Every listing that the sandbox answers for."""
