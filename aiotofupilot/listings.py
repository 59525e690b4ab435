"""The classes of a session's listings, for annotations and for programs that read the signature of ``list()``.

``session.runs`` is a `Runs`. A class is loaded when it is first used. No class loads aiohttp.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = [
    "Batches",
    "Deployments",
    "Logs",
    "Measurements",
    "Parts",
    "Phases",
    "Procedures",
    "Runs",
    "Stations",
    "Units",
    "Users",
]

if TYPE_CHECKING:
    from ._listings import (
        Batches,
        Deployments,
        Logs,
        Measurements,
        Parts,
        Phases,
        Procedures,
        Runs,
        Stations,
        Units,
        Users,
    )
else:  # not for type checkers, which would believe in any name
    from . import _lazy

    __getattr__, __dir__ = _lazy.lazy_from(__name__, {name: f"._listings.{name.lower()}" for name in __all__})
