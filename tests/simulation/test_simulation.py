"""The whole client in made-up universes: each seed decides what is listed, what fails, and who lists what and how.

`.ci/run proof` runs thousands of seeds. `SEEDS=1 FIRST_SEED=46` runs a single one. A seed and a commit repeat all.

- All that can be seen from outside holds where faults, drift, cancellations and resumes meet, at bounded costs.
"""

import os
import re
from collections import Counter
from pathlib import Path

import pytest
from fakes.budget import NIGHTLY
from simulation.database import MET
from simulation.universe import Universe

pytestmark = pytest.mark.no_cover  # other tests reach each line, and coverage doubles what this takes

FIRST = int(os.environ.get("FIRST_SEED", "0"))
SEEDS = int(os.environ.get("SEEDS", "10000" if NIGHTLY else "100"))

FAILED_ONCE = (
    *(27, 30, 43, 44, 46, 75, 107, 114, 142, 388, 603, 1185, 1517, 1821),
    *(2060, 4067, 4268, 4346, 5258, 20731, 23189, 51488),
)
"""Seeds that found a fault when they were drawn first. Some of them draw other universes by now.

Of the client, they found: a pass over details of which all items were gone; a look for an item that failed, and whose
error said where to resume elsewhere; a walk that was never freed after it was cancelled in a limiter; a stream and a
walk that their last error kept alive; and a walk that took numbers of pages for offsets, and missed an item. Among
items of one time beside one that cannot be read, they found a walk that read the same page again and again, one that
missed an item in silence, a pass that warned each time it began again, and an error by default. They found a filter
that cut off seconds and so hid most items of one time, and an `OverflowError` for a bound before the year 1. Others
found faults of the oracle, such as an error whose position no item has.
"""

RARE = (136, 179, 282, 358, 3737)
"""Seeds that test what the first hundred do not. In 358, a run is listed before its last logs can be seen."""

HERE = Path(__file__).parent
PROMISES = {
    promise
    for module in ("oracle", "programs", "network", "universe", "world", "database")
    for promise in re.findall(r'(?:check|costs|marks\.add)\(\s*"([^"{]+)"', (HERE / f"{module}.py").read_text())
} - {"nothing is lost in a task"}
"""Everything that is held, but for what is only looked at when it has failed."""


def test_every_promise_is_kept_in_every_universe(tmp_path, capsys):
    """Each promise is really tested in some seed, or the simulation would be one that looks at nothing."""
    marks, broken, requests, seconds = Counter(), {}, 0, 0.0
    for seed in dict.fromkeys((*range(FIRST, FIRST + SEEDS), *FAILED_ONCE, *RARE)):
        universe = Universe(seed, tmp_path / str(seed))
        world = universe.run()
        marks.update(world.marks)
        requests += len(universe.way.sent)
        seconds += world.now
        if world.broken:
            broken[seed] = world.broken
    with capsys.disabled():
        print(f"\n{SEEDS:,} seeds from {FIRST} on: {requests:,} requests in {seconds / 3600:.0f} h of their time")  # noqa: T201 - the result
        for promise, seeds in sorted(marks.items()) if NIGHTLY or SEEDS > 100 else ():
            print(f"{seeds:7,} {promise}")  # noqa: T201 - the result
    assert broken == {}
    rare = {met: marks[met] for met in MET if marks[met] < SEEDS / 50}
    assert SEEDS < 1000 or not rare, f"fewer than 2 of 100 seeds met {rare}"
    assert SEEDS < 100 or not PROMISES - marks.keys(), f"no seed tests {sorted(PROMISES - marks.keys())}"
