"""Every history within a bound is exact, and without any part of the protocol some history is not.

Small bounds are tried in every run. `.ci/run proof` tries the large ones, in two processes.
"""

from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context

import pytest
from fakes.budget import NIGHTLY
from proof.histories import Bound, Lab, Tally, explore
from proof.reverts import REVERTS

pytestmark = pytest.mark.no_cover  # other tests reach each line, and coverage doubles what this takes

SMALL = [Bound(3, 1, *others) for others in product((2, 3, 4), (1, 2, 3), (False, True))]
SMALL += [Bound(2, 1, *others, passed=9) for others in product((2, 3, 4), (1, 2, 3), (False, True))]
SMALL += [Bound(3, 2, 2, 1, resumes=True)]
LARGE = [Bound(items, 2, *others) for items in (3, 4) for others in product((2, 3, 4), (1, 2, 3), (False, True))]
LARGE += [Bound(2, 2, *others, passed=9) for others in product((2, 3, 4), (1, 2, 3), (False, True))]
LARGE += [Bound(3, 3, *others) for others in product((2, 3, 4), (1,), (False, True))]


def test_every_history_is_exact(capsys):
    """Each item that is listed during the whole walk comes once and in order. No item comes twice. None is refused."""
    if NIGHTLY:
        with ProcessPoolExecutor(2, get_context("spawn")) as pool:
            tallies = [*pool.map(Tally.of, LARGE)]
    else:
        tallies = [*map(Tally.of, SMALL)]
    histories, resynced = sum(tally.verdicts.total() for tally in tallies), sum(tally.resynced for tally in tallies)
    with capsys.disabled():
        shown = tallies if NIGHTLY else ()
        print("", *shown, f"{histories:,} histories, {resynced:,} of them resynced", sep="\n")  # noqa: T201 - the result
    failures = [tally.shortest for tally in tallies if tally.shortest]
    assert not failures, str(min(failures, key=lambda outcome: outcome.size))
    assert resynced > histories / 10


@pytest.mark.parametrize("revert", REVERTS, ids=lambda revert: revert.name)
def test_without_a_part_of_the_protocol_a_history_fails(revert, capsys):
    """It has at most three changes. A part that no history needs would have to go."""
    with revert.applied(), Lab() as lab:
        failure = next((outcome for outcome in explore(lab, revert.bound) if outcome.verdict != "exact"), None)
    assert failure is not None
    if NIGHTLY:
        with capsys.disabled():
            print(f"\n{revert.name}: {failure}")  # noqa: T201 - the result


def test_a_loop_that_follows_the_cursor_fails():
    assert Tally.of(Bound(3, 1, 2, 1), on_drift="ignore").shortest.verdict == "wrong"
