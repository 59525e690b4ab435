"""How the wire spells an item."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from fakes.wire_listings import PageDecoder
from msgspec import json

from aiotofupilot import Procedure
from aiotofupilot._wire.codec import from_wire, to_wire
from aiotofupilot._wire.times import format_date_time
from aiotofupilot.sandbox import make_procedures

WIRE = json.decode((Path(__file__).parent.parent / "recordings" / "procedures.json").read_text("utf-8"))
PAGES = {case["name"]: case["response"]["body"] for case in WIRE if "data" in case["response"]["body"]}

decode = PageDecoder(Procedure)


def test_recorded_items_come_back_as_they_came():
    """The keys and their order, the nulls and the dates are the same."""
    for page in PAGES.values():
        items = [to_wire(procedure) for procedure in decode(json.encode(page), 0).data]
        assert json.encode(items) == json.encode(page["data"])


def test_what_is_written_decodes_to_the_same():
    """Nothing is lost between values and their spelling."""
    procedures = make_procedures(200)
    document = {"data": [to_wire(procedure) for procedure in procedures], "meta": {"has_more": False}}
    assert decode(json.encode(document), 0).data == procedures


def test_dates_are_as_in_queries():
    """A date in an item is written like one in a query: UTC, whole milliseconds, Z."""
    timestamp = datetime(2024, 1, 1, 0, 30, 0, 123_000, tzinfo=timezone(timedelta(hours=1)))
    written = to_wire(Procedure("1", "x", timestamp))["created_at"]
    assert written == format_date_time(timestamp) == "2023-12-31T23:30:00.123Z"
    assert to_wire(Procedure("1", "x", datetime(2024, 1, 1, tzinfo=UTC)))["created_at"] == "2024-01-01T00:00:00.000Z"


def test_a_date_with_microseconds_comes_back_as_it_was_sent():
    """No server is known that sends them. The models, Arrow and Parquet keep them too."""
    sent = {"id": "1", "name": "x", "created_at": "2024-01-01T00:00:00.123456Z", "created_by_user": None}
    procedure = from_wire(sent, Procedure)
    assert to_wire(procedure)["created_at"] == sent["created_at"]
    assert from_wire(to_wire(procedure), Procedure) == procedure
