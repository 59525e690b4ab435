"""What the sandbox answers for each listing, one module for each listing. It has the name of the listing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from aiotofupilot.listings import NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiotofupilot.sandbox.resource import Resource

__all__ = ["RESOURCES"]

RESOURCES: Mapping[str, Resource[Any]] = {
    name: getattr(import_module(f".{name}", __name__), name.upper()) for name in NAMES
}
"""Every listing that the sandbox answers for, by its name."""
