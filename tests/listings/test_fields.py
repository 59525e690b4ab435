"""Fields are read alike from models, from shapes and from dicts of the server's."""

from datetime import UTC, datetime

import pytest

from aiotofupilot import DecodeError, RawItem
from aiotofupilot._listings.fields import creation_in, moment_in, text_at
from aiotofupilot.testing import make_log, make_phase

MOMENT = datetime(2026, 2, 1, 12, 30, tzinfo=UTC)
DATED = [make_phase(started_at=MOMENT), RawItem(id="x", started_at="2026-02-01T13:30:00.000+01:00")]


@pytest.mark.parametrize("read", [creation_in, moment_in])
@pytest.mark.parametrize("item", DATED, ids=["model", "dict"])
def test_a_moment_is_aware(read, item):
    assert read(item, "started_at") == MOMENT


@pytest.mark.parametrize("item", [RawItem(id="x"), RawItem(id="x", started_at=None)], ids=["missing", "null"])
def test_an_item_may_lack_a_moment_but_not_that_of_its_creation(item):
    assert moment_in(item, "started_at") is None
    with pytest.raises(DecodeError, match=r"^started_at of 'x': expected a date-time, got None$"):
        creation_in(item, "started_at")


@pytest.mark.parametrize("value", ["yesterday", "2026-02-01T13:30:00", "", 3, False, ["2026"]], ids=repr)
@pytest.mark.parametrize("read", [creation_in, moment_in])
def test_a_value_that_is_no_moment_is_an_error_of_the_answer(read, value):
    with pytest.raises(DecodeError, match=r"^started_at of 'x': expected a date-time, got ") as caught:
        read(RawItem(id="x", started_at=value), "started_at")
    assert caught.value.path == "started_at"


def test_a_text_is_found_by_its_path():
    log = make_log()
    assert text_at(log, ("run", "id")) == log.run.id
    assert text_at(RawItem(id="x", run={"id": "r"}), ("run", "id")) == "r"


@pytest.mark.parametrize("told", [{}, {"run": None}, {"run": {}}, {"run": {"id": 3}}, {"run": "r"}], ids=repr)
def test_a_text_that_is_not_there_is_an_error_of_the_answer(told):
    with pytest.raises(DecodeError, match=r"^run\.id of 'x': expected a string, got ") as caught:
        text_at(RawItem(id="x", **told), ("run", "id"))
    assert caught.value.path == "run.id"
