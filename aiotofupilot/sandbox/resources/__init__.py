"""The register of listings: one line for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .procedures import PROCEDURES

if TYPE_CHECKING:
    from aiotofupilot.sandbox.resource import Resource

__all__ = ["RESOURCES"]

RESOURCES: tuple[Resource[Any], ...] = (PROCEDURES,)
"""Every listing that the sandbox answers for."""
