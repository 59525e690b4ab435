"""What every listing has in common, tried on some of them."""

from datetime import UTC, datetime

import pytest
from fakes.listings import Connection

from aiotofupilot import Checkpoint
from aiotofupilot.listings import Procedures, Runs
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.faults import latency
from aiotofupilot.testing import session_in_process

NOW = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize(("given", "expected"), [(None, 3), (5, 5), (1, 1)])
async def test_a_listing_has_the_sessions_concurrency_unless_it_names_its_own(given, expected):
    """None is the session's."""
    sandbox = Sandbox(50)
    sandbox.faults.always(latency(1))
    async with session_in_process(sandbox, concurrency=3) as session:
        assert await session.procedures.list(limit=2, concurrency=given).collect() == sandbox.procedures
    assert sandbox.requests.peak_in_flight == expected


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
