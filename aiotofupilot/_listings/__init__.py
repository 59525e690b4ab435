"""What can be listed: one module for each listing, with its path, its model and the filters of its ``list()``.

`listing` is what all of them have in common. `filters` check and spell one argument each, by the `checks` of one value,
and `choices` are the values that arguments can have. `query` is a listing with its filters, as paging knows it. It is
narrowed by `bounds`, and divided by its `timeline`. `every_procedure` finds what is new where requests have to name
one.
"""

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
    from .batches import Batches
    from .deployments import Deployments
    from .logs import Logs
    from .measurements import Measurements
    from .parts import Parts
    from .phases import Phases
    from .procedures import Procedures
    from .runs import Runs
    from .stations import Stations
    from .units import Units
    from .users import Users
else:  # not for type checkers, which would believe in any name
    from aiotofupilot import _lazy

    # A program pays for the listings that it uses.
    __getattr__, __dir__ = _lazy.lazy_from(__name__, {name: name.lower() for name in __all__})
