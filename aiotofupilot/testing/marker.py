"""Makes a sandbox from the options of the marker ``tofupilot``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, cast

from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.faults import Fault
from aiotofupilot.sandbox.resources import RESOURCES

if TYPE_CHECKING:
    import pytest


def sandbox_of(markers: Iterable[pytest.Mark]) -> tuple[Sandbox, bool]:
    """Return the sandbox of a test, and whether its sessions wait before retries.

    Args:
        markers: The markers of the test, its class and its module, the closest first. An option of a closer marker
            counts.

    Raises:
        TypeError: There is no such option, or its value is of the wrong type.
        ValueError: The value of an option is out of bounds.
    """
    options: dict[str, Any] = {}
    for marker in markers:
        if marker.args:
            raise TypeError(f"the marker tofupilot takes options by name, not {marker.args[0]!r}")
        options = {**marker.kwargs, **options}
    _check_names(options)
    faults, waits = options.pop("faults", ()), options.pop("waits", True)
    if not isinstance(waits, bool):
        raise TypeError(f"waits of the marker tofupilot must be True or False, got {waits!r}")
    sandbox = Sandbox(**options)
    if callable(faults) and not isinstance(faults, Fault):
        cast("Callable[[object], object]", faults)(sandbox.faults)
    else:
        sandbox.faults.next(*_checked_faults(faults))
    return sandbox, waits


def _check_names(options: dict[str, Any]) -> None:
    signature = inspect.signature(Sandbox.__init__).parameters.values()
    known = {parameter.name for parameter in signature if parameter.kind is parameter.KEYWORD_ONLY}
    known |= {*RESOURCES, "faults", "waits"}
    for name in options:
        if name not in known:
            close = get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(sorted(known))}"
            raise TypeError(f"the marker tofupilot has no option {name}: {hint}")


def _checked_faults(faults: object) -> list[Fault]:
    listed = list(cast("Iterable[object]", faults)) if isinstance(faults, Iterable) else None
    if listed is None or not all(isinstance(fault, Fault) for fault in listed):
        raise TypeError(
            "faults of the marker tofupilot must be a list of faults, such as [status(503)], or a function that takes "
            f"sandbox.faults, got {faults!r}"
        )
    return cast("list[Fault]", listed)
