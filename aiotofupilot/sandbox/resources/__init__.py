"""The responses of the sandbox for each listing. Every module of this package describes one listing or more.

- `runs` has runs, their phases, measurements and logs, and units, batches and parts.
- `procedures` has procedures, deployments, stations and users.
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
"""Every listing that the sandbox answers for, by its name."""


@lru_cache(maxsize=256)
def route(path: str) -> tuple[Resource | Detail | None, tuple[str, ...]]:
    """Return the listing or the detail at a path, and the parameters in the path; None: it leads nowhere.

    Upper and lower case do not matter, except in parameters, and neither does a slash at the end.
    """
    known: dict[str, Resource | Detail] = {**RESOURCES}
    known |= {detail.path: detail for resource in RESOURCES.values() for detail in resource.details}
    for below, found in known.items():
        pattern = f"/api/v2/{below.replace('*', '([^/]+)')}/?"
        if match := re.fullmatch(pattern, path, re.IGNORECASE | re.ASCII):
            return found, match.groups()
    return None, ()
