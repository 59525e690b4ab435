"""A made-up factory, computed from one seed.

`Cycle` is the plan of a stretch of production. It says which unit is tested when, on which station, and with which
outcome. `World` repeats the plan, and gives each run its own ids, moments and values. So any run, phase, measurement or
log can be made from its number, and a million of them take no memory.
"""

from .cycle import LENGTH, Cycle
from .plan import Attempt, Entry
from .recipes import BENCHES, PARTS, TEAMS, Measured
from .values import number_measured, text_measured, truth_measured, validators
from .world import MILLISECOND, Place, World

__all__ = [
    "BENCHES",
    "LENGTH",
    "MILLISECOND",
    "PARTS",
    "TEAMS",
    "Attempt",
    "Cycle",
    "Entry",
    "Measured",
    "Place",
    "World",
    "number_measured",
    "text_measured",
    "truth_measured",
    "validators",
]
