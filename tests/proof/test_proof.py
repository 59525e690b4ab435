"""Every history within a bound is exact, and without any part of the protocol some history is not.

Small bounds are tried in every run. `.ci/run proof` tries the large ones, in two processes.

- Every history of a small listing is exact: creations, removals, any order of responses, resumed after any item.
"""

from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from itertools import product
from multiprocessing import get_context

import pytest
from fakes.budget import NIGHTLY
from fakes.database import FILTERS, MILLISECOND, ORDERS
from proof.histories import Bound, Lab, Tally, explore
from proof.reverts import REVERTS

from aiotofupilot._paging import course

pytestmark = pytest.mark.no_cover  # other tests reach each line, and coverage doubles what this takes

SMALL = [Bound(3, 1, *others) for others in product((2, 3, 4), (1, 2, 3), (False, True))]
SMALL += [Bound(2, 1, *others, passed=9) for others in product((2, 3, 4), (1, 2, 3), (False, True))]
SMALL += [Bound(3, 2, 2, 1, resumes=True)]
SMALL += [Bound(4, 1, 3, *others, alike=2) for others in product((1, 2), (False, True))]
LARGE = [Bound(items, 2, *others) for items in (3, 4) for others in product((2, 3, 4), (1, 2, 3), (False, True))]
LARGE += [Bound(2, 2, *others, passed=9) for others in product((2, 3, 4), (1, 2, 3), (False, True))]
LARGE += [Bound(3, 3, *others) for others in product((2, 3, 4), (1,), (False, True))]
LARGE += [Bound(4, 2, 3, *others, alike=2) for others in product((1, 2), (False, True))]

ANY_ORDER = [order for order in ORDERS if order not in {"index", "unsorted", "heap"}]  # the heap is one of many rows
CLOSE = [{"gap": MILLISECOND}, *({"gap": timedelta(microseconds=400), "filter": name} for name in [*FILTERS][:3])]
"""Times that are neighbours within what JSON shows of them, or hardly more."""
LONG = [Bound(5, 0, 2, 1, alike=4, order=order) for order in ("index", "heap of few", "heap from an offset")]
"""Groups longer than a page, whose items no other order of procedures tells apart."""
SMALL_MANNERS = [Bound(4, 1, 3, 1, alike=2, order=order) for order in ANY_ORDER[:-1]]
SMALL_MANNERS += [Bound(*few, alike=2, order="shuffled") for few in ((4, 0, 3, 1, True), (3, 1, 3, 2))]
SMALL_MANNERS += [
    Bound(6, 0, 4, *others, alike=3, order=order) for order in ANY_ORDER[:-1] for others in ((1, True), (2,))
]
SMALL_MANNERS += [Bound(3, 1, 2, *others, filter=name) for name in FILTERS for others in ((1, True), (2,))]
SMALL_MANNERS += [Bound(4, 1, 3, 1, alike=2, filter=name) for name in FILTERS]
SMALL_MANNERS += [Bound(4, 1, 3, 1, **close) for close in CLOSE]
SMALL_MANNERS += [Bound(3, 0, 2, flight, order="unsorted") for flight in (1, 2)]
LARGE_MANNERS = [
    Bound(4, 1, 3, *others, alike=2, order=order, filter=name)
    for others in product((1, 2), (False, True))
    for order in ("index", *ANY_ORDER)
    for name in FILTERS
    if not (order == "shuffled" and others[1]) or (name, others[0]) == ("inclusive", 1)  # the others take days
]
LARGE_MANNERS += [
    Bound(3, 1, 3, *others, alike=2, passed=9, order=order) for order in ANY_ORDER for others in ((1,), (2,))
]
LARGE_MANNERS += [Bound(4, 2, 3, 1, **close) for close in CLOSE]
SMALL += [*SMALL_MANNERS, *LONG]
LARGE += [*LARGE_MANNERS, *LONG]
DEEP = [Bound(12, 1, 3, 1), Bound(12, 1, 4, 1, alike=2), Bound(11, 1, 4, 2), Bound(12, 0, 3, 2, resumes=True)]


def test_every_history_is_exact(capsys):
    """Each item that is listed during the whole walk comes once and in order. No item comes twice. None is refused.

    `Server.allowed` says where a walk may warn instead that it cannot promise that.
    """
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
    assert resynced > histories / 100


def test_every_deep_history_is_exact(monkeypatch):
    """A listing is deep from its ninth item on here, so the walk goes on in other queries."""
    monkeypatch.setattr(course, "DEEP", 9)
    monkeypatch.setattr(course, "_LESS_DEEP", 9)
    assert [str(tally.shortest) for tally in map(Tally.of, DEEP) if tally.shortest] == []


@pytest.mark.parametrize("bound", LONG, ids=lambda bound: bound.order)
def test_with_resync_a_group_that_cannot_be_told_apart_is_an_error(bound):
    """It is either exact or refused. Without a value of ``on_drift``, the walk warns."""
    tally = Tally.of(bound, on_drift="resync")
    assert tally.shortest is None, str(tally.shortest)


@pytest.mark.parametrize("revert", REVERTS, ids=lambda revert: revert.name)
def test_without_a_part_of_the_protocol_a_history_fails(revert, capsys):
    """It has at most three changes. A part that no history needs would have to go."""
    with revert.applied(), Lab() as lab:
        wrong = (outcome for outcome in explore(lab, revert.bound) if outcome.verdict in ("wrong", "refused"))
        failure = next(wrong, None)
    assert failure is not None
    if NIGHTLY:
        with capsys.disabled():
            print(f"\n{revert.name}: {failure}")  # noqa: T201 - the result


def test_a_loop_that_follows_the_cursor_fails():
    assert Tally.of(Bound(3, 1, 2, 1), on_drift="ignore").shortest.verdict == "wrong"
