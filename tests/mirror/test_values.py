"""Values that no column can hold, and strange ones that it can: each item is stored, or left out and counted.

Without ``skip``, the error says which item it is, and where it can which field.

- A mirror stores each value, or leaves its item out with `"skip"`, or ends with an error that names the item.
"""

import re

import pytest
from attrs import evolve

from aiotofupilot import DecodeError, RetryPolicy, TofuPilotError

AT_ONCE = RetryPolicy(attempts=2, initial_wait=0)

HUGE = 10**400
"""JSON can say it, and no float is as large."""

LONG = "x" * 3_000_000

LINE = {"procedures": 2, "runs": 8}


def change(sandbox, listing, *values, **field):
    """Give items other values in one of their fields, the first ones first. Return their IDs."""
    ((name, of),) = field.items()
    items = getattr(sandbox, listing)
    for at, value in enumerate(values):
        items[at] = evolve(items[at], **{name: of(value)})
    return [item.id for item in items[: len(values)]]


def same(value):
    return value


@pytest.mark.parametrize(
    ("listing", "field", "value"),
    [("measurements", "value", -HUGE), ("stations", "procedures_count", HUGE)],
    ids=["measurement", "station"],
)
def test_a_number_that_no_column_can_hold(pull, sandbox, mirrored, ids, listing, field, value):
    """It ends the update, or its item is left out. When the server has mended it, a full update brings it."""
    items = getattr(sandbox, listing)
    good, items[1] = items[1], evolve(items[1], **{field: value})
    with pytest.raises(DecodeError, match=f"^{field} of '{good.id}': int too large to convert to float$") as caught:
        pull(listing)
    assert caught.value.path == field
    for full in (False, True):
        came = pull(listing, full=full, on_unreadable="skip")[listing]
        assert (came.unreadable, came.gone, came.rows) == (1, 0, len(items) - 1)
        assert mirrored(listing) == ids(item for item in items if item.id != good.id)
    items[1] = good
    assert pull(listing, full=True)[listing].new == 1
    assert mirrored(listing) == ids(items)


def test_strange_values_are_stored_as_they_are(pull, sandbox, query):
    """The ends of what a column can hold, texts that end texts elsewhere, and numbers in JSON of any length."""
    numbers = [2**53 + 1, 2**63, -(2**64), 1.7e308, 5e-324, -0.0]
    texts = ["", "\0", "a\0b", "\uffff\U0010ffff", "\u2028'\";--", LONG]
    measured = change(sandbox, "measurements", *numbers, value=same)
    logged = change(sandbox, "logs", *texts, message=same)
    runs = change(sandbox, "runs", HUGE, *texts, metadata=lambda value: {str(value)[:3]: value})
    stations = change(sandbox, "stations", *texts[:3], id=same)
    came = pull("measurements", "logs", "stations")
    assert not any(result.unreadable for result in came.values())
    assert {name: result.rows for name, result in came.items()} == {name: len(getattr(sandbox, name)) for name in came}
    values = dict(query("SELECT id, value FROM measurements"))
    assert [repr(values[key]) for key in measured] == [repr(float(number)) for number in numbers]
    messages = dict(query("SELECT id, message FROM logs"))
    assert [messages[key] for key in logged] == texts
    metadata = dict(query("SELECT id, metadata::VARCHAR FROM runs"))
    assert [metadata[key] for key in runs[:2]] == [f'{{"100":{HUGE}}}', '{"":""}']
    assert query("SELECT count(*) FROM runs WHERE metadata->>'$.xxx' = ?", LONG) == [(1,)]
    assert {key for (key,) in query("SELECT id FROM stations")} >= set(stations)


IN_JSON = {
    "half a surrogate pair": b'"\\ud800"',
    "a number that no float can hold": b"1e400",
    "an integer of five thousand digits": b"1" * 5_000,
    "arrays in arrays": b"[" * 50_000 + b"]" * 50_000,
}
"""What is not JSON, or what nobody reads as JSON."""


@pytest.mark.parametrize("text", IN_JSON.values(), ids=IN_JSON)
def test_what_nobody_can_read_is_left_out(pull, sandbox, mirrored, ids, replace, text):
    """The error says where the item is, because its fields cannot be told apart."""
    (broken,) = change(sandbox, "stations", "strange", metadata=lambda value: {"bay": value})
    replace(b'"strange"', text)
    with pytest.raises(TofuPilotError, match=re.escape("not JSON")) as caught:
        pull("stations", retry=AT_ONCE)
    assert caught.value.position == 0
    assert pull("stations", retry=AT_ONCE, on_unreadable="skip")["stations"].unreadable == 1
    assert mirrored("stations") == ids(station for station in sandbox.stations if station.id != broken)
