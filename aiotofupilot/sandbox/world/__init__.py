"""A made-up factory, computed from one seed.

- `plan` has the parts of a plan: runs, units and batches. `cycle` plans a stretch of production with them. It says
  which unit is tested when, on which station, and with which outcome.
- `numbers` repeats the plan, and `world` gives each run its own moments and people. So any run, phase, measurement or
  log can be made from its number, and a million of them take no memory.
- `identity` computes ids from numbers, and back.
- `people` works in the factory. `recipes` has its products and tests, and `values` what they measure.
"""

from .cycle import LENGTH, Cycle
from .numbers import Place
from .plan import Attempt, Entry
from .recipes import BENCHES, PARTS, TEAMS, Measured
from .values import number_measured, text_measured, truth_measured, validators
from .world import MILLISECOND, World

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
