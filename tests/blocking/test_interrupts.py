"""Ctrl-C at any line of the package that runs in the calling thread: whoever asks again gets everything, once.

An interrupt that comes after the last line of a call is the caller's.

- After Ctrl-C at any line of the package, each item, page and batch comes once, and no checkpoint or watermark
  passes one that did not come.
"""

import signal
import sys
import threading
from functools import partial
from types import MappingProxyType

import pytest
from fakes.budget import NIGHTLY, STEP
from fakes.interrupts import interrupted

from aiotofupilot.blocking import BlockingSession
from aiotofupilot.sandbox import Sandbox, faults
from aiotofupilot.testing import serve

ITEMS = 6 if NIGHTLY else 4
END = object()


@pytest.fixture(scope="module")
def sandbox():
    with serve(Sandbox(procedures=ITEMS, runs=ITEMS, seed=1)) as sandbox:
        yield sandbox


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "aiotofupilot"]


def in_flight(session):
    return len(session._object._connection.lifetime._under_way)


def interrupt():
    """Do what Ctrl-C does, from another thread."""
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


class Pass:
    """A pass over something: what its next step yields, and where it is, from where another pass yields the rest."""

    def __init__(self, step, place=None, resumed=None):
        self.step = step
        self.place = place
        self.resumed = resumed


def one(iterator):
    item = next(iterator, END)
    return [] if item is END else [item.id]


def many(iterator):
    return [item.id for item in next(iterator, [])]


def taken(walk):
    return [item.id for item in walk.take(2)]


def page(pages):
    found = next(pages, None)
    return [] if found is None else [item.id for item in found.data]


def walked(step, derive=lambda walk: walk, **options):
    def make(session):
        walk = session.procedures.list(limit=ITEMS // 2, **options).walk()
        return Pass(
            partial(step, derive(walk)),
            lambda: walk.checkpoint,
            lambda place: session.procedures.list(cursor=place).collect(),
        )

    return make


def new(step, name, derive=lambda walk: walk, listed=lambda listing: listing):
    def make(session):
        listing = getattr(session, name).list(limit=max(2, ITEMS // 2))
        walk = listed(listing).since()
        return Pass(partial(step, derive(walk)), lambda: walk.watermark, lambda place: [*listing.since(place)])

    return make


def detailed(step, derive=lambda walk: walk):
    def make(session):
        walk = session.runs.list(limit=ITEMS // 2, concurrency=3).details().walk()
        return Pass(
            partial(step, derive(walk)),
            lambda: walk.checkpoint,
            lambda place: session.runs.list(cursor=place).collect(),
        )

    return make


def paged(session):
    return Pass(partial(page, session.procedures.list(limit=ITEMS // 2).pages()))


def followed(session):
    listing = session.runs.list(max_items=ITEMS)
    stream = listing.follow(since=listing.since().watermark)
    return Pass(partial(one, stream), lambda: stream.watermark, lambda place: [*listing.since(place)])


PASSES = {
    "walk": walked(one),
    "concurrent walk": walked(one, concurrency=4),
    "take": walked(taken),
    "batches": walked(many, lambda walk: walk.batches()),
    "since": new(one, "runs"),
    "since, compared": new(one, "stations"),
    "since, by run": new(one, "logs"),
    "since, batches": new(many, "runs", lambda walk: walk.batches()),
    "since, by run, batches": new(many, "logs", lambda walk: walk.batches()),
    "details": detailed(one),
    "details, take": detailed(taken),
    "details, batches": detailed(many, lambda walk: walk.batches()),
    "details, since": new(one, "runs", listed=lambda listing: listing.details()),
    "pages": paged,
    "follow": followed,
}


class Checked:
    """Makes passes that are interrupted, and checks what they yield and where they are."""

    def __init__(self, make, session, later=()):
        self.make = partial(make, session)
        self.expected = []
        self.later = [*later]  # the IDs of what only the next pass yields
        self.interrupts = 0
        self._resumed = {}
        everything = self.make()
        while found := everything.step():
            self.expected += found

    def run(self, at, **options):
        """Make a pass, each step of which is interrupted at a line, and then left alone.

        Return how many interrupts there were.
        """
        before, found = self.interrupts, []
        current = self.make()
        while got := self.step(current, found, at, options):
            found += got
            self.check_place(current, found)
        assert sorted(found) == sorted(self.expected)
        return self.interrupts - before

    def step(self, current, found, at, options):
        raised, got = interrupted(current.step, at, **options)
        self.interrupts += raised
        self.check_place(current, [*found, *(got or ())], at, options)
        return current.step() if got is None else got

    def check_place(self, current, found, at=None, options=MappingProxyType({})):
        """Check that a pass that is resumed where this one is yields the rest, and nothing else."""
        if current.place is None:
            return
        raised, place = (0, None) if at is None else interrupted(current.place, at, **options)
        self.interrupts += raised
        place = place or current.place()
        if (text := str(place)) not in self._resumed:
            self._resumed[text] = [item.id for item in current.resumed(place)]
        assert sorted(found + self._resumed[text]) == sorted(self.expected + self.later)


@pytest.mark.parametrize("name", PASSES)
def test_each_item_comes_once_and_no_position_passes_another(session, name):
    """In each pass, each step and each look at the position is interrupted at the n-th line, for every n.

    All passes together have some 1,000 interrupts, and nightly more than 20,000.
    """
    checked = Checked(PASSES[name], session)
    assert len(checked.expected) >= ITEMS // 2
    for line in range(1 + [*PASSES].index(name) % STEP, 1000, STEP):
        if not checked.run(line):
            break
    assert 30 < line < 999
    assert checked.interrupts > 2 * ITEMS


TRACED = pytest.mark.skipif(sys.version_info >= (3, 12), reason="later Pythons trace the instructions of few frames")


@TRACED
@pytest.mark.parametrize("name", PASSES)
def test_they_do_after_an_interrupt_within_a_line(session, name):
    checked = Checked(PASSES[name], session)
    for call in range(1 + [*PASSES].index(name) % STEP, 1000, STEP):
        if not checked.run(call, after_calls=True):
            break
    assert 10 < call < 999


@pytest.mark.parametrize("step", [one, taken])
@pytest.mark.parametrize("name", ["runs", "stations", "logs"])
def test_the_watermark_waits_for_missing_items_after_interrupts_too(session, sandbox, monkeypatch, name, step):
    """The details of two listed items are not found, the first of all among them: the next pass yields these."""
    monkeypatch.setattr("aiotofupilot._paging.retrieval._WAITS", ())  # no test waits
    listing = getattr(session, name).list(limit=3, concurrency=3)
    missing = [item.id for item in listing.since()][0:3:2]
    sandbox.faults.on(lambda request: request.path.rpartition("/")[2] in missing).always(faults.status(404))

    def make(session):
        session._object._connection.served.clear()  # nobody knows yet whether the server returns single items at all
        walk = listing.details().since()
        return Pass(partial(step, walk), lambda: walk.watermark, lambda place: [*listing.since(place)])

    checked = Checked(make, session, missing)
    assert len(checked.expected) == listing.count() - len(missing) >= 2
    for line in range(1, 1000, 2 * STEP):
        if not checked.run(line):
            break
    assert 30 < line < 999
    sandbox.faults.clear()


def test_the_first_request_and_the_end_may_be_interrupted_anywhere(sandbox):
    """The thread begins with the one, and ends with the other."""
    for line in range(1, 1000, 1 if NIGHTLY else 3):
        session = BlockingSession(sandbox.api_key, base_url=sandbox.url)
        walk = session.procedures.list().walk()
        begins, first = interrupted(walk.__next__, line)
        assert [first or next(walk), *walk] == sandbox.procedures
        ends, _ = interrupted(session.close, line)
        session.close()
        assert threads() == []
        if not begins and not ends:
            break
    assert 30 < line < 999


def test_what_is_interrupted_while_it_is_made_is_not_there(session):
    """Nothing is written about it either, which would fail here."""
    listing = session.runs.list()
    details = listing.details()
    for make in (listing.walk, listing.pages, listing.since, listing.follow, details.walk, details.since):
        for line in range(1, 1000):
            raised, made = interrupted(make, line)
            if not raised:
                break
        assert line > 10
        made.close()


def test_another_thread_is_refused_and_not_interrupted(session, sandbox):
    """It may look at the walk that the first one waits for."""
    sandbox.faults.next(faults.stall(600))
    walk, raised = session.procedures.list().walk(), []

    def use():
        while not in_flight(session):
            pass
        assert walk.stats.items == 0
        for refused in (walk.__next__, walk.close):
            with pytest.raises(RuntimeError, match="another thread is waiting"):
                refused()
        raised.append(True)
        interrupt()

    user = threading.Thread(target=use)
    user.start()
    with pytest.raises(KeyboardInterrupt):
        next(walk)
    user.join()
    assert raised == [True]
    assert [*walk] == sandbox.procedures
