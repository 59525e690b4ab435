"""A full update of each listing: rows that were changed come anew, those that are gone are marked, and no others.

One that fails before it has read a whole listing marks nothing.

- A mirror marks a row as gone only after it has seen all rows among which it would be.
"""

import pytest
from attrs import evolve
from fakes.budget import NIGHTLY
from fakes.wire_listings import MODELS

from aiotofupilot import ForbiddenError, Log
from aiotofupilot.mirror import MirrorResult, update
from aiotofupilot.sandbox import faults, paging

CHANGES = {
    "procedures": "name",
    "runs": "outcome",
    "units": "sample",
    "parts": "name",
    "batches": "number",
    "stations": "name",
    "users": "name",
    "deployments": "status",
    "logs": "message",
    "measurements": "units",
    "phases": "name",
}
"""A field of each listing that is changed here."""


NAMES = [name for name in MODELS if NIGHTLY or name in {"runs", "stations", "logs"}]
"""The listings that are mirrored. They are some of each kind in the shorter runs."""


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch):
    """Load what comes in parts, so that there is something in the database when a run fails."""
    monkeypatch.setattr(update, "_ROWS", 5)
    monkeypatch.setattr(update, "_ITEMS", 5)
    monkeypatch.setattr(update, "_RUNS_FIRST", 3)


LINE = {"procedures": 9, "runs": 60, "paging": paging.capped(4)}


@pytest.fixture
def tables(query):
    """Return the rows of all tables by ID, without when they were read, and the IDs of those that are gone."""

    def tables():
        rows, gone = {}, {}
        for name in NAMES:
            columns = "* EXCLUDE (_seen_at, _gone_at), _gone_at IS NOT NULL"
            found = query(f"SELECT id, {columns} FROM {name}")  # noqa: S608 - a listing's name
            assert len({key for key, *_ in found}) == len(found)
            rows[name] = {key: tuple(row) for key, *row, _ in found}
            gone[name] = {key for key, *_, is_gone in found if is_gone}
        return rows, gone

    return tables


def run_of(item):
    return item.run.id if isinstance(item, Log) else item.run_id


def change(sandbox):
    """Change an item of each listing and remove another one, with what it wrote if it is a run. Return their IDs."""
    changed, removed = {}, {}
    for name, column in CHANGES.items():
        items = getattr(sandbox, name)
        items[1] = evolve(items[1], **{column: "changed"})
        changed[name], removed[name] = {items[1].id}, {items[3].id}
        del items[3]
    (run_id,) = removed["runs"]
    for name in ("logs", "measurements", "phases"):
        of_run = {item.id for item in getattr(sandbox, name) if run_id == run_of(item)}
        assert not of_run & changed[name]
        removed[name] |= of_run
    return tuple({name: ids[name] for name in NAMES} for ids in (changed, removed))


def different(before, after):
    """Return the IDs of the rows that are not the same, by listing. No row is there that was not."""
    assert {name: rows.keys() for name, rows in after.items()} == {name: rows.keys() for name, rows in before.items()}
    return {name: {key for key, row in rows.items() if row != after[name][key]} for name, rows in before.items()}


def test_it_sees_what_was_changed_or_removed_and_touches_nothing_else(have, pull, sandbox, tables):
    have(*NAMES)
    before, gone = tables()
    assert not any(gone.values())
    changed, removed = change(sandbox)
    came = pull(*NAMES, full=True)
    assert came == {
        name: MirrorResult(listing=name, new=0, gone=len(removed[name]), rows=len(before[name])) for name in NAMES
    }
    after, gone = tables()
    assert gone == removed
    assert different(before, after) == changed
    for name, (key,) in changed.items():
        assert [value for value in after[name][key] if value not in before[name][key]] == ["changed"]
    assert not any(brought.gone for brought in pull(*NAMES, full=True).values())
    assert tables() == (after, gone)


def test_it_sees_that_nothing_is_listed_any_more(have, pull, sandbox, tables):
    """It makes the tables of empty listings, too. An item that comes back is there again."""
    items = {name: getattr(sandbox, name)[:] for name in NAMES}
    for name in NAMES:
        del getattr(sandbox, name)[:]
    assert pull(*NAMES, full=True) == {name: MirrorResult(listing=name, new=0, gone=0, rows=0) for name in NAMES}
    have(*NAMES)
    before, _ = tables()
    assert {name: brought.gone for name, brought in pull(*NAMES, full=True).items()} == {
        name: len(rows) for name, rows in before.items()
    }
    assert tables() == (before, {name: set(rows) for name, rows in before.items()})
    for name in NAMES:
        getattr(sandbox, name)[:] = items[name]
    pull(*NAMES, full=True)
    assert tables() == (before, {name: set() for name in NAMES})


def test_one_that_fails_in_the_middle_marks_nothing(have, pull, sandbox, tables):
    have(*NAMES)
    change(sandbox)
    sandbox.faults.on(cursor=2).always(faults.status(403))
    for name in ("runs", "stations"):
        with pytest.raises(ForbiddenError):
            pull(name, full=True)
    assert not any(tables()[1].values())
