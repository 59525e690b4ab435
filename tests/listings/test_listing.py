"""What every listing has in common, tried on some of them."""

from datetime import UTC, datetime

import pytest
from fakes.listings import Connection

from aiotofupilot import Checkpoint
from aiotofupilot.listings import Phases, Procedures, Runs
from aiotofupilot.positions import LARGEST

NOW = datetime(2026, 2, 1, tzinfo=UTC)


async def test_keys_repeat_where_a_parameter_takes_several_values():
    """The API reads arrays in this way."""
    connection = Connection()
    await Runs(connection).list(outcomes=["PASS", "FAIL"], include_metadata=True, limit=20, cursor=40)
    assert connection.targets == ["/v2/runs?limit=20&outcomes=PASS&outcomes=FAIL&include_metadata=true&cursor=40"]


async def test_the_beginning_is_asked_for_without_a_cursor():
    connection = Connection()
    for cursor in (None, 0, Checkpoint()):
        await Runs(connection).list(cursor=cursor)
    assert set(connection.targets) == {"/v2/runs?limit=100"}


def test_a_cursor_is_a_number_that_the_api_can_hold():
    Runs(Connection()).list(cursor=LARGEST)
    for cursor in (-1, LARGEST + 1):
        with pytest.raises(ValueError, match=f"cursor must be between 0 and {LARGEST}, got {cursor}"):
            Runs(Connection()).list(cursor=cursor)


async def test_what_the_runs_of_every_procedure_wrote_is_asked_for_without_naming_one():
    connection = Connection()
    await Phases(connection).of_every_procedure(names=["Solder"], max_items=3)
    assert connection.targets == ["/v2/phases?limit=100&names=Solder"]
    with pytest.raises(TypeError, match="unexpected keyword argument 'procedure_id'"):
        Phases(connection).of_every_procedure(procedure_id="p")


def test_a_listing_shows_where_it_is():
    assert repr(Runs(Connection())) == "<Runs at /v2/runs>"


class TestCheckpoints:
    def test_a_checkpoint_of_another_listing_is_refused_by_name(self):
        """Its place would mean other items."""
        checkpoint = Procedures(Connection()).list(cursor=20).walk().checkpoint
        with pytest.raises(ValueError, match="a checkpoint of procedures, and not of runs") as caught:
            Runs(Connection()).list(cursor=checkpoint)
        assert caught.value.parameter == "cursor"

    @pytest.mark.parametrize(
        ("query", "other"),
        [
            ({"outcomes": ["FAIL"]}, {"outcomes": ["PASS"]}),
            ({"outcomes": ["FAIL"]}, {}),
            ({}, {"sort_order": "asc"}),
            ({"started_after": NOW}, {"ended_after": NOW}),
        ],
    )
    def test_a_checkpoint_of_another_query_is_refused(self, query, other):
        checkpoint = Checkpoint.parse(str(Runs(Connection()).list(cursor=20, **query).walk().checkpoint))
        with pytest.raises(ValueError, match="with other filters or another order") as caught:
            Runs(Connection()).list(cursor=checkpoint, **other)
        assert checkpoint.query in str(caught.value)

    def test_a_checkpoint_resumes_the_same_query_whatever_the_other_options_are(self):
        checkpoint = Checkpoint.parse(str(Runs(Connection()).list(cursor=20, outcomes=["FAIL"]).walk().checkpoint))
        resumed = Runs(Connection()).list(cursor=checkpoint, outcomes=["FAIL"], limit=7, on_drift="resync")
        assert resumed.walk().checkpoint == Checkpoint(20)

    def test_a_plain_cursor_resumes_any_listing(self):
        """Nothing is known of it."""
        for cursor in (20, Checkpoint(20), Checkpoint.parse("20")):
            assert Runs(Connection()).list(cursor=cursor).walk().checkpoint == Checkpoint(20)

    def test_a_checkpoint_spelled_out_has_to_be_parsed(self):
        """The message says how."""
        with pytest.raises(TypeError, match=r"use Checkpoint\.parse\(\)") as caught:
            Runs(Connection()).list(cursor="runs.abcdefgh:20")
        assert caught.value.parameter == "cursor"


class TestOrders:
    @pytest.mark.parametrize("sort_by", [None, "started_at", "created_at", "duration"])
    def test_resync_takes_orders_in_which_nothing_changes_its_place(self, sort_by):
        Runs(Connection()).list(sort_by=sort_by, on_drift="resync")

    @pytest.mark.parametrize("sort_by", ["outcome", "serial_number", "part_number", "revision_number"])
    def test_resync_refuses_an_order_in_which_an_item_can_change_its_place(self, sort_by):
        """No walk could find its place again."""
        with pytest.raises(ValueError, match=f"got '{sort_by}'") as caught:
            Runs(Connection()).list(sort_by=sort_by, on_drift="resync")
        assert caught.value.parameter == "sort_by"
        Runs(Connection()).list(sort_by=sort_by, on_drift="ignore")
