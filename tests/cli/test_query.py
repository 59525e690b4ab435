"""The query of a listing, as the command line gives it."""

from datetime import UTC, datetime, timedelta

import pytest

from aiotofupilot import Checkpoint, TofuPilotSession
from aiotofupilot.cli.failures import UsageError
from aiotofupilot.cli.output.journal import Mark
from aiotofupilot.cli.query import Query
from aiotofupilot.sandbox import Sandbox

WHEN = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
async def sandbox():
    async with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
async def session(sandbox):
    async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
        yield session


@pytest.mark.parametrize(
    ("query", "cut"),
    [
        (Query(name="procedures"), slice(None)),
        (Query(name="procedures", max_items=0), slice(0)),
        (Query(name="procedures", max_items=150, concurrency=3), slice(150)),
        (Query(name="procedures", max_items=1000, on_drift="resync"), slice(None)),
        (Query(name="procedures", cursor=Checkpoint(240)), slice(240, None)),
        (Query(name="procedures", limit=7, max_items=20, cursor=Checkpoint(0, 3)), slice(3, 23)),
    ],
)
async def test_what_is_asked_for_is_listed(sandbox, session, query, cut):
    """Neither less nor more, in the server's order."""
    assert await query.listing(session).collect() == sandbox.procedures[cut]


@pytest.mark.parametrize(("max_items", "end"), [(None, 250), (150, 150), (100, 100)])
async def test_what_is_behind_a_mark(sandbox, session, max_items, end):
    """It is what the whole listing has behind that: what is written counts as listed."""
    mark = Mark(items=100, checkpoint="100")
    listed = await Query(name="procedures", max_items=max_items).listing(session, mark).collect()
    assert listed == sandbox.procedures[100:end]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            Query(name="procedures", filters={"search_query": "x" * 101}),
            "wrong --search-query: search_query must have at most 100 characters, got 101",
        ),
        (
            Query(name="procedures", filters={"created_after": WHEN, "created_before": WHEN - timedelta(days=1)}),
            "wrong --created-after: created_after must not be later than created_before, got 2024-01-01 00:00:00+00:00",
        ),
    ],
)
async def test_a_bad_query_is_wrong_usage(session, query, message):
    """It is named as the option that it came from."""
    with pytest.raises(UsageError) as caught:
        query.listing(session)
    assert str(caught.value).startswith(message)


def test_the_header_is_what_decides_what_is_listed():
    """How it is asked for does not."""
    nothing = {"listing": "procedures", "--max-items": None, "--cursor": None}
    assert Query(name="procedures", limit=7, concurrency=3, on_drift="resync").header() == nothing
    filters = {"search_query": "x", "created_after": WHEN, "duration_min": timedelta(minutes=1), "ids": ["a", "b"]}
    query = Query(name="runs", filters=filters, max_items=0, cursor=Checkpoint(3, 0, (b"abcdef",)))
    assert query.header() == {
        "listing": "runs",
        "--search-query": "x",
        "--created-after": "2024-01-01T00:00:00+00:00",
        "--duration-min": "60.0 s",
        "--ids": "['a', 'b']",
        "--max-items": 0,
        "--cursor": "3@YWJjZGVm",
    }


@pytest.mark.parametrize(
    ("name", "items", "words"),
    [
        ("procedures", 0, "0 procedures"),
        ("procedures", 1, "1 procedure"),
        ("procedures", 1300, "1,300 procedures"),
        ("batches", 1, "1 batch"),
        ("phases", 1, "1 phase"),
        ("phases", 2, "2 phases"),
    ],
)
def test_items_are_counted_in_words(name, items, words):
    """One is one, and many have a comma."""
    assert Query(name=name).counted(items) == words


async def test_an_error_that_names_no_parameter_is_no_wrong_usage(session):
    """It is a fault of this package."""
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        Query(name="procedures", filters={"no_such_filter": 1}).listing(session)
