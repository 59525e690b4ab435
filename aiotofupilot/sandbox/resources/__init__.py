"""The listings and details of the sandbox.

- `runs`: runs, phases, measurements, logs, units, batches and parts.
- `procedures`: procedures, deployments, stations and users.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules

from aiotofupilot.listings import NAMES
from aiotofupilot.sandbox.resource import Detail, Resource

_MODULES = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
_FOUND: dict[str, Resource] = {
    found.name: found for module in _MODULES for found in vars(module).values() if isinstance(found, Resource)
}
RESOURCES: dict[str, Resource] = {name: _FOUND[name] for name in NAMES}
"""Every listing by name."""


@lru_cache(maxsize=256)
def route(path: str) -> tuple[Resource | Detail | None, tuple[str, ...]]:
    """Return the listing or the detail at a path, or None, and the parameters in the path.

    Case matters only in parameters. A trailing slash does not matter.
    """
    known: dict[str, Resource | Detail] = {**RESOURCES}
    known |= {detail.path: detail for resource in RESOURCES.values() for detail in resource.details}
    for below, found in known.items():
        pattern = f"/api/v2/{below.replace('*', '([^/]+)')}/?"
        if match := re.fullmatch(pattern, path, re.IGNORECASE | re.ASCII):
            return found, match.groups()
    return None, ()
