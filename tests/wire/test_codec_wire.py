"""How the wire spells an item."""

from pathlib import Path

from fakes.wire_listings import PageDecoder
from msgspec import json

from aiotofupilot import Procedure
from aiotofupilot._wire.codec import from_wire, to_wire

WIRE = json.decode((Path(__file__).parent.parent / "recordings" / "procedures.json").read_text("utf-8"))
PAGES = {case["name"]: case["response"]["body"] for case in WIRE if "data" in case["response"]["body"]}

decode = PageDecoder(Procedure)


def test_recorded_items_come_back_as_they_came():
    """The keys and their order, the nulls and the dates are the same."""
    for page in PAGES.values():
        items = [to_wire(procedure) for procedure in decode(json.encode(page), 0).data]
        assert json.encode(items) == json.encode(page["data"])


def test_a_date_with_microseconds_comes_back_as_it_was_sent():
    """No server is known that sends them. The models, Arrow and Parquet keep them too."""
    sent = {"id": "1", "name": "x", "created_at": "2024-01-01T00:00:00.123456Z", "created_by_user": None}
    procedure = from_wire(sent, Procedure)
    assert to_wire(procedure)["created_at"] == sent["created_at"]
    assert from_wire(to_wire(procedure), Procedure) == procedure
