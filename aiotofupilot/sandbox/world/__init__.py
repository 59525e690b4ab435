"""A made-up factory, computed from one seed.

`Cycle` is the plan of a stretch of production: which unit is tested when, on which station, and how that ends. `World`
repeats the plan and gives each run its own ids, moments and values. So it can tell any run, phase, measurement or log
from its number alone, and a million of them take no memory.
"""

from .cycle import LENGTH, Attempt, Cycle, Entry
from .world import MILLISECOND, Place, World

__all__ = ["LENGTH", "MILLISECOND", "Attempt", "Cycle", "Entry", "Place", "World"]
