"""What can be listed: one module for each listing, with its path, its model and the filters of its ``list()``.

- `listing` is the base class of all listings.
- `filters` checks and spells each argument. `checks` has the checks of single values, and `choices` the values that an
  argument can have.
- `query` is a listing with its filters, as paging knows it. `bounds` narrows a query by time, and `timeline` divides
  it.
- `fields` reads fields of an item, with or without a model.
- `every_procedure` finds what is new in a listing whose requests have to name a procedure.
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
else:  # hidden from type checkers, because they would then accept any name
    from aiotofupilot import _lazy

    # A program pays for the listings that it uses.
    __getattr__, __dir__ = _lazy.lazy_from(__name__, {name: name.lower() for name in __all__})
