"""A database with a table for each listing, brought up to date by each update.

- What is created during an update of a mirror comes with the next one, even if the clock is set or the machine
  sleeps.
- A missing column of a mirror is added, and its listing read again; another change of a table is refused.
- A mirror has one organization, server and set of filters; others are refused.
"""

import asyncio
import shutil
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from attrs import evolve
from fakes.mirrors import updated
from fakes.wire_listings import MODELS

from aiotofupilot import DriftError, ForbiddenError, RetryPolicy, SessionError, TofuPilotSession, Watermark
from aiotofupilot.mirror import DatabaseInUseError, Mirror, MirrorError, MirrorResult, database, update
from aiotofupilot.models import RunSequence
from aiotofupilot.sandbox import Sandbox, faults, make_procedures, paging
from aiotofupilot.testing import make

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

AT_ONCE = RetryPolicy(attempts=3, initial_wait=0)


def since(item):
    """Return how long ago an item was created, and a minute more."""
    return datetime.now(UTC) - item.created_at + timedelta(minutes=1)


def anybody():
    return TofuPilotSession("key", base_url="https://tofupilot.example")


def test_every_listing_is_a_table(pull, sandbox, query, mirrored, ids, tmp_path):
    """The first update brings everything, the second one nothing, and the third one what is new.

    No file stays beside.
    """
    came = pull()
    assert list(came) == list(MODELS)
    assert {name: mirrored(name) for name in MODELS} == {name: ids(getattr(sandbox, name)) for name in MODELS}
    assert {name: result.new for name, result in came.items()} == {name: len(getattr(sandbox, name)) for name in MODELS}
    assert not any(result.new or result.gone for result in pull().values())
    sandbox.produce(2)
    came = pull("measurements", "runs")
    assert list(came) == ["runs", "logs", "measurements", "phases"]
    assert came["runs"] == MirrorResult(listing="runs", new=2, gone=0, rows=42)
    assert mirrored("measurements") == ids(sandbox.measurements)
    assert query("SELECT format, server, updated_at > now() - INTERVAL 1 HOUR FROM _mirror") == [(1, sandbox.url, True)]
    assert {name for (name,) in query("SELECT DISTINCT table_schema FROM information_schema.tables")} == {
        "main",
        "tofupilot",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["line.duckdb"]


def test_a_row_has_what_the_item_has(pull, sandbox, query):
    """Fields of nested values are columns, lists and mappings are JSON, and durations are seconds of any length."""
    added = {"metadata": {"shift": "B", "volts": 4.5}, "sequences": (make(RunSequence, duration=timedelta(seconds=2)),)}
    run = evolve(sandbox.runs[0], duration=timedelta.max, **added)
    sandbox.runs[0] = run
    pull("runs")
    ((serial, seconds, created_at, metadata),) = query(
        "SELECT unit__serial_number, duration, epoch_us(created_at), metadata::VARCHAR FROM runs WHERE id = ?", run.id
    )
    assert (serial, seconds) == (run.unit.serial_number, timedelta.max.total_seconds())
    assert created_at == (run.created_at - EPOCH) // timedelta(microseconds=1)
    assert metadata == '{"shift":"B","volts":4.5}'
    sequences = "SELECT typeof(sequences), (sequences->0->>'duration')::DOUBLE > 0 FROM runs WHERE id = ?"
    assert query(sequences, run.id) == [("JSON", True)]


def test_a_listing_without_an_order_goes_on_after_its_first_walk(pull, sandbox, mirrored, ids, query):
    """What was created shortly before the walk is there once, and what is created later comes next time.

    A row from the future hides nothing.
    """
    now = datetime.now(UTC)
    for minutes, at in ((30, 3), (2, 0), (0, 2), (-2000, 1)):
        sandbox.procedures[at] = evolve(sandbox.procedures[at], created_at=now - timedelta(minutes=minutes))
    assert pull("procedures")["procedures"].new == 5
    assert pull("procedures")["procedures"].new == 0
    for full in (True, False):
        sandbox.procedures.append(evolve(sandbox.procedures[2], id=f"new {len(sandbox.procedures)}"))
        assert pull("procedures", full=full)["procedures"].new == 1
        assert mirrored("procedures") == ids(sandbox.procedures)
    assert query("SELECT count(*) FROM procedures") == [(7,)]


def test_a_listing_that_is_empty_at_first_is_read_anew(pull, sandbox, mirrored, ids):
    rows = sandbox.procedures[:]
    sandbox.procedures.clear()
    assert pull("procedures")["procedures"].new == 0
    sandbox.procedures[:] = rows
    assert pull("procedures")["procedures"].new == 5
    assert mirrored("procedures") == ids(sandbox.procedures)


CLOCKS = {
    "a long walk": (0, 2, 2),
    "set back during the walk": (3, 0, 0),
    "set back during a long walk": (3, 2, 2),
    "set forward during the walk": (-3, 0, 0),
    "asleep during the walk": (0, 2, 0),
}
"""How many hours the local clock is ahead before the walk and after it, and how many the monotonic clock has counted.

That one does not count while the machine sleeps.
"""


@pytest.mark.parametrize(("before", "after", "counted"), CLOCKS.values(), ids=CLOCKS)
def test_what_is_created_from_the_first_walk_on_comes_with_the_next_update(
    pull, sandbox, mirrored, ids, monkeypatch, before, after, counted
):
    """Its place may have been passed by then, and the newest row may be from the end of the walk.

    This holds whatever happens to the clocks meanwhile.
    """
    clock, shift = type(anybody().runs.connection.clock), SimpleNamespace(hours=before, counted=0)

    def walked(_factory, request):
        if request.path.endswith("/procedures"):
            shift.hours, shift.counted = after, counted

    sandbox.before_response.append(walked)
    with monkeypatch.context() as patched:
        monotonic = clock.monotonic
        patched.setattr(clock, "now", lambda _: datetime.now(UTC) + timedelta(hours=shift.hours))
        patched.setattr(clock, "monotonic", lambda self: monotonic(self) + 3600 * shift.counted)
        pull("procedures")
    newest = max(sandbox.procedures, key=lambda procedure: procedure.created_at)
    for minutes in (-60 * after - 30, 60):
        created_at = newest.created_at + timedelta(minutes=minutes)
        sandbox.procedures.append(evolve(newest, id=f"{minutes} minutes", created_at=created_at))
    assert pull("procedures")["procedures"].new == 2
    assert mirrored("procedures") == ids(sandbox.procedures)


def test_what_runs_wrote_is_stored_while_it_arrives(pull, sandbox, monkeypatch, mirrored, ids):
    """So an update needs no more memory where runs have written a lot. Nothing is stored twice, and nothing is lost."""
    requested = []
    store = database.Database.store
    monkeypatch.setattr(
        database.Database, "store", lambda *given: requested.append(len(sandbox.requests)) or store(*given)
    )
    monkeypatch.setattr(update, "_ROWS", 20)
    monkeypatch.setattr(update, "_ITEMS", 10)
    pull("logs", "measurements", "phases")
    assert len(set(requested)) > 5
    assert mirrored("phases") == ids(sandbox.phases)
    assert mirrored("measurements") == ids(sandbox.measurements)
    assert mirrored("logs") == ids(sandbox.logs)


class Limiter(AbstractAsyncContextManager):
    """Lets everybody in at once, and counts."""

    entered = 0

    async def __aenter__(self):
        self.entered += 1

    async def __aexit__(self, *_):
        pass


def test_one_walk_of_the_runs_serves_what_they_wrote(pull, sandbox):
    """What the runs of one procedure wrote is requested together. Nothing is requested for a procedure without runs.

    Each request enters the limiter, and progress is reported.
    """
    last, limiter = {}, Limiter()
    pull("logs", "measurements", "phases", "users", on_progress=last.__setitem__, limiter=limiter)
    assert (last["users"], last["runs"], last["logs"]) == (len(sandbox.users), 40, len(sandbox.logs))
    assert limiter.entered == len(sandbox.requests)
    paths = [request.path.rpartition("/")[2] for request in sandbox.requests]
    walked = [request for request in sandbox.requests if request.path.endswith("/runs") and "sort_by" in request.query]
    assert len(walked) == 1
    assert paths.count("logs") <= 1 + len(sandbox.logs) // 90
    assert {request.query["procedure_id"] for request in sandbox.requests if request.path.endswith("phases")} == {
        run.procedure.id for run in sandbox.runs
    }


def test_what_a_run_wrote_follows_the_run_once_it_is_mirrored(have, pull, sandbox, mirrored, ids):
    """A listing that is added later is read from the beginning, and the others with it."""
    have("runs")
    pull("logs")
    assert mirrored("logs") == ids(sandbox.logs)
    sandbox.produce(2)
    assert list(pull("runs")) == ["runs", "logs"]
    assert mirrored("logs") == ids(sandbox.logs)


def test_what_becomes_visible_after_its_run_comes_with_the_next_update(pull, sandbox, mirrored, ids):
    """Within a minute of the newest run."""
    sandbox.produce(1)
    late = [log for log in sandbox.logs if log.run.id == sandbox.runs[0].id]
    assert late
    sandbox.logs[:] = [log for log in sandbox.logs if log not in late]
    pull("runs", "logs")
    sandbox.logs[:0] = late
    assert pull("runs", "logs")["logs"].new == len(late)
    assert mirrored("logs") == ids(sandbox.logs)


def test_what_more_and_more_runs_wrote_is_requested_together(pull, sandbox, monkeypatch):
    """The first request is about few runs. So updates that are always ended early get on, too."""
    monkeypatch.setattr(update, "_RUNS_FIRST", 1)
    pull("logs")
    first_pages = [
        request for request in sandbox.requests if request.path.endswith("/logs") and "cursor" not in request.query
    ]
    assert len(first_pages) == len([1, 2, 4, 8, 16, 9])


def test_nothing_is_merged_where_nothing_is_new(have, pull, monkeypatch):
    """A merge reads all IDs of a table, even if it is one with no rows."""
    have("runs", "units")
    monkeypatch.setattr(database.Database, "_merge", lambda _, listing, *given: pytest.fail(listing))
    assert [came.new for came in pull("runs", "units").values()] == [0, 0]


class TestAgain:
    """What was changed or removed lately, without a full update."""

    def test_it_sees_what_was_changed_or_removed_there_and_nothing_else(self, have, pull, sandbox, query):
        """Runs, what they wrote, units and batches. A run that is older than that stays as it is."""
        have("runs", "units", "logs", "stations", "procedures")
        for at in (1, 20):
            sandbox.runs[at] = evolve(sandbox.runs[at], outcome="CHANGED")
        sandbox.units[0] = evolve(sandbox.units[0], sample="golden")
        removed, older = sandbox.runs[2], sandbox.runs[21]
        sandbox.runs[:] = [run for run in sandbox.runs if run not in (removed, older)]
        came = pull("runs", "units", "logs", "stations", "procedures", again=since(sandbox.runs[4]))
        assert {name: result.gone for name, result in came.items()} == {
            "procedures": 0,
            "runs": 1,
            "units": 0,
            "stations": 0,
            "logs": query("SELECT count(*) FROM logs WHERE run__id = ?", removed.id)[0][0],
        }
        assert came["logs"].gone
        assert query("SELECT id FROM runs WHERE _gone_at IS NOT NULL") == [(removed.id,)]
        assert query("SELECT id FROM runs WHERE outcome = 'CHANGED'") == [(sandbox.runs[1].id,)]
        assert query("SELECT sample FROM units WHERE id = ?", sandbox.units[0].id) == [("golden",)]
        assert pull("runs", again=timedelta.max)["runs"].gone == 1, "the other one, longer ago than the calendar begins"

    def test_what_cannot_be_read_hides_what_is_gone(self, have, pull, sandbox):
        """An update cannot tell the one from the other. What both of its walks meet counts once."""
        have("runs", "logs")
        sandbox.produce(1)
        sandbox.faults.always(faults.unreadable(sandbox.runs[0].id))
        removed = sandbox.runs[2]
        of_removed = sum(log.run.id == removed.id for log in sandbox.logs)
        sandbox.runs.remove(removed)
        again = since(sandbox.runs[4])
        came = pull("runs", "logs", again=again, retry=AT_ONCE, on_unreadable="skip")
        assert (came["runs"].unreadable, came["runs"].gone, came["logs"].gone) == (1, 0, 0)
        sandbox.faults.clear()
        came = pull("runs", "logs", again=again)
        assert (came["runs"].gone, came["logs"].gone) == (1, of_removed)


class TestPart:
    """A part of an account: the items that match some filters."""

    def test_only_what_matches_is_mirrored(self, pull, sandbox, mirrored, ids):
        """What runs wrote follows the runs."""
        filters = {"outcomes": ["FAIL"]}
        failed = [run for run in sandbox.runs if run.outcome == "FAIL"]
        assert 0 < len(failed) < 40
        pull("measurements", filters=filters)
        assert mirrored("runs") == ids(failed)
        of_failed = {run.id for run in failed}
        assert mirrored("measurements") == ids(item for item in sandbox.measurements if item.run_id in of_failed)
        sandbox.produce(30)
        pull("runs", filters=filters)
        assert mirrored("runs") == ids(run for run in sandbox.runs if run.outcome == "FAIL")

    def test_a_start_date_is_that_of_each_listing(self, pull, sandbox, mirrored, ids):
        """Deployments call it otherwise. Listings without one are left out, unless they are named."""
        start = sandbox.runs[9].created_at
        came = pull(filters={"created_after": start})
        assert list(came) == ["procedures", "runs", "units", "batches", "deployments", "logs", "measurements", "phases"]
        assert mirrored("runs") == ids(sandbox.runs[:10])
        assert mirrored("deployments") == ids(item for item in sandbox.deployments if item.deployed_at >= start)
        with pytest.raises(ValueError, match="filters: parts have no filter 'created_after': leave out parts"):
            pull("runs", "parts", filters={"created_after": start})

    def test_the_database_remembers_the_filters(self, have, pull):
        """Each listing has its own."""
        have("runs", filters={"outcomes": ["FAIL"], "created_after": datetime(2026, 1, 30, tzinfo=UTC)})
        pull("users")
        with pytest.raises(MirrorError) as caught:
            pull("runs", filters={"outcomes": ["FAIL", "ERROR"]})
        assert str(caught.value) == (
            "the database mirrors runs with created_after=2026-01-30T00:00:00.000Z, outcomes=FAIL, "
            "and this update has outcomes=ERROR, outcomes=FAIL: choose another file, or the same filters"
        )
        with pytest.raises(MirrorError, match="and this update has no filters: "):
            pull("runs")
        have("runs", "logs", filters={"outcomes": ["FAIL", "PASS"]})
        assert pull("runs", filters={"outcomes": ["PASS", "FAIL"]})["runs"].new == 0
        with pytest.raises(
            MirrorError, match="the database mirrors runs with outcomes=FAIL, outcomes=PASS, and this update"
        ):
            pull("logs")

    @pytest.mark.parametrize(
        ("listings", "filters", "message"),
        [
            (["run"], {}, "listings must be one of 'procedures', .*, got 'run'"),
            ([], {}, r"listings must not be empty"),
            (["runs"], {"outcome": "FAIL"}, "filters: no listing has a filter 'outcome'"),
            (["runs"], {"sort_by": "created_at"}, "filters: no listing has a filter 'sort_by'"),
            (["users"], {"outcomes": ["FAIL"]}, "filters: users have no filter 'outcomes': leave out users"),
            (None, {"outcomes": ["FAIL"], "numbers": ["B"]}, "no listing has the filters numbers, outcomes"),
            (["runs"], {"created_after": datetime(2026, 1, 1)}, "created_after must be timezone-aware"),  # noqa: DTZ001 - that is the point
        ],
    )
    def test_bad_arguments(self, tmp_path, listings, filters, message):
        with pytest.raises(ValueError, match=message):
            Mirror(tmp_path / "line.duckdb", session=anybody(), listings=listings, filters=filters)
        with pytest.raises(TypeError, match="listings must be a list or another iterable of names, got 'runs'"):
            Mirror(tmp_path / "line.duckdb", session=anybody(), listings="runs")


def test_a_database_can_be_moved_and_restored_from_a_copy(have, pull, sandbox, tmp_path, mirrored, ids):
    """The next update goes on from its content, whatever stands in its path."""
    have("runs")
    moved = tmp_path / "O'Brien [1]*" / "100%" / "name=Nobody" / "line.duckdb"
    moved.parent.mkdir(parents=True)
    shutil.move(tmp_path / "line.duckdb", moved)
    copy = shutil.copy(moved, tmp_path / "copy.duckdb")
    for path in (moved, copy):
        sandbox.produce(1)
        assert pull("runs", path=path)["runs"].new == len(sandbox.runs) - 40
        assert mirrored("runs", path=path) == ids(sandbox.runs)
    assert [path.name for path in moved.parent.iterdir()] == ["line.duckdb"]


class Gate(AbstractAsyncContextManager):
    """Lets the second request in when it is opened. The first one asks whose key it is."""

    def __init__(self):
        self.reached, self.opened, self.requests = asyncio.Event(), asyncio.Event(), 0

    async def __aenter__(self):
        self.requests += 1
        if self.requests == 2:
            self.reached.set()
            await self.opened.wait()

    async def __aexit__(self, *_):
        pass


def test_a_database_is_a_mirror_of_one_organization(have, pull, sandbox, tmp_path):
    """A server that is too old cannot tell it. A key of a station belongs to it too."""
    have("users")
    whoami = sandbox.faults.on(lambda request: request.path.endswith("/whoami"))
    whoami.next(faults.status(404))
    pull("users")
    sandbox.api_key = "rotated"
    pull("users")
    sandbox.api_key, sandbox.station_key = sandbox.station_key, sandbox.api_key
    session = TofuPilotSession(sandbox.station_key, base_url=sandbox.url)
    assert updated(tmp_path / "line.duckdb", session, listings=["users"])[0].new == 0
    mirrored = sandbox.organization
    sandbox.organization = evolve(mirrored, id="another")
    with pytest.raises(MirrorError) as caught:
        pull("users")
    assert str(caught.value) == (
        f"the database is a mirror of the organization {mirrored.id}, and the key belongs to another: "
        "choose another file, or another key"
    )


async def test_two_at_the_same_time(tmp_path):
    """The second one is refused, and the first one is not disturbed. Its end lets go of the database."""
    gate = Gate()
    async with (
        Sandbox(procedures=120) as sandbox,
        TofuPilotSession(sandbox.api_key, base_url=sandbox.url, limiter=gate) as session,
        TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as other,
    ):
        mirror = Mirror(tmp_path / "line.duckdb", session=session, listings=["procedures"])
        async with mirror:
            first = asyncio.create_task(mirror.update())
            await gate.reached.wait()
            assert await refused(Mirror(tmp_path / "line.duckdb", session=other).update()) == (
                f"this program has {tmp_path}/line.duckdb open already: close it there, or wait until it is closed"
            )
            gate.opened.set()
            assert (await first)[0].new == 120
        assert (await mirror.update())[0].new == 0
        assert repr(mirror) == f"<Mirror {tmp_path}/line.duckdb>"


async def refused(coroutine):
    with pytest.raises(DatabaseInUseError) as caught:
        await coroutine
    return str(caught.value)


COLUMNS = {
    "procedures": "name",
    "runs": "outcome",
    "stations": "name",
    "measurements": "measurement_name",
}
"""A column of a table of each kind that has a value in every row."""


@pytest.mark.parametrize("line", [{"procedures": 3, "runs": 6}])
def test_a_column_that_is_missing_is_read_again(have, pull, sandbox, query):
    """So is one that an earlier version did not have. An update that fails before it has read it is made up for.

    It need not be one of these listings: the next one of each reads it. The views can be used meanwhile.
    """
    have("procedures", "runs", "stations", "measurements")
    for table, column in COLUMNS.items():
        query(f"ALTER TABLE {table} DROP {column}")
    sandbox.produce(1)

    def refuse(_factory, request):
        if not request.path.endswith("/whoami"):
            sandbox.faults.next(faults.status(403))

    sandbox.before_response.append(refuse)
    for listing in ("users", "procedures", "runs"):
        with pytest.raises(ForbiddenError):
            pull(listing)
        for table in COLUMNS:
            query(f"FROM tofupilot.{table}")
    sandbox.before_response.clear()
    assert pull("users")["users"].new
    came = pull("procedures", "stations", "runs")
    assert (came["procedures"].new, came["runs"].new, came["stations"].new) == (0, 1, 0)
    for table, column in COLUMNS.items():
        ((known, rows),) = query(f"SELECT count({column}), count(*) FROM tofupilot.{table}")  # noqa: S608 - our own
        assert (table, known) == (table, rows)


def test_a_table_that_was_removed_comes_anew(have, pull, sandbox, query, mirrored, ids):
    """Whole, and not from where the last update ended. Its filters are forgotten, too."""
    have("procedures", "runs")
    query("DROP TABLE runs")
    sandbox.produce(1)
    came = pull("procedures", "runs")
    assert (came["procedures"].new, came["runs"].new) == (0, 41)
    assert mirrored("runs") == ids(sandbox.runs)
    query("DROP TABLE runs")
    assert pull("runs", filters={"outcomes": ["FAIL"]})["runs"].rows < 41


def test_a_watermark_that_cannot_be_used(have, pull, query, mirrored, sandbox, ids):
    """A full update does without it."""
    have("runs")
    for text in ("nonsense", str(Watermark("runs", "AAAAAAAA"))):
        query("UPDATE _mirror_listings SET watermark = ?", text)
        with pytest.raises(MirrorError, match="the last update ended, so a full update is needed"):
            pull("runs")
    pull("runs", full=True)
    assert mirrored("runs") == ids(sandbox.runs)


def test_an_error_of_duckdb_says_which_file(have, pull, query, tmp_path, monkeypatch):
    """A table that no column can be added to, because it is a view."""
    have("users")
    query("DROP TABLE users; CREATE VIEW users AS SELECT 'x' AS id")
    monkeypatch.setattr(database.Database, "check", lambda *_: None)
    with pytest.raises(MirrorError, match=f"cannot use {tmp_path}/line.duckdb: "):
        pull("users")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"full": "false"}, TypeError, "full must be True or False, got 'false'"),
        ({"on_unreadable": "ignore"}, ValueError, "on_unreadable must be one of 'raise', 'skip', got 'ignore'"),
        ({"again": 7}, TypeError, "again must be a timedelta or None, got 7"),
        ({"again": timedelta(0)}, ValueError, r"again must be more than 0, got datetime.timedelta\(0\)"),
        ({"again": timedelta(1), "full": True}, ValueError, "again cannot be given with full=True"),
    ],
)
def test_an_argument_out_of_bounds_is_refused_before_a_file_is_made(pull, tmp_path, options, error, message):
    with pytest.raises(error, match=message):
        pull("runs", **options)
    assert not list(tmp_path.iterdir())


async def test_a_session_of_its_own_is_closed(tmp_path, monkeypatch):
    async with Sandbox(procedures=3) as sandbox:
        monkeypatch.setenv("TOFUPILOT_API_KEY", sandbox.api_key)
        monkeypatch.setenv("TOFUPILOT_URL", sandbox.url)
        async with Mirror(tmp_path / "line.duckdb", listings=["procedures"]) as mirror:
            assert [result.new for result in await mirror.update()] == [3]
        with pytest.raises(SessionError, match="the session is closed"):
            await mirror.update()


@pytest.mark.parametrize(("overlap", "error"), [(0, ValueError), (86_401, ValueError), ("60", TypeError)])
def test_an_overlap_has_bounds(pull, overlap, error):
    with pytest.raises(error, match="overlap must be") as caught:
        pull("runs", overlap=overlap)
    assert caught.value.parameter == "overlap"


def test_what_pages_do_not_show_whole_is_read_again_and_nothing_of_it_is_marked(pull, sandbox, query):
    """Procedures of one time are more than a page, and no other order tells them apart."""
    created_at = sandbox.procedures[0].created_at
    sandbox.procedures[:] = make_procedures(250)
    sandbox.procedures[:] = [evolve(each, created_at=created_at) for each in sandbox.procedures]
    for full in (False, False, True):
        sandbox.requests.clear()
        brought = pull("procedures", full=full)["procedures"]
        assert (brought.is_unchecked, brought.gone, brought.rows) == (True, 0, 250)
        assert len([request for request in sandbox.requests if request.path.endswith("procedures")]) > 2
    sandbox.procedures[:] = sandbox.procedures[:90]
    brought = pull("procedures", full=True)["procedures"]
    assert (brought.is_unchecked, brought.gone, brought.rows) == (False, 160, 250)
    assert query("SELECT count(*) FROM procedures WHERE _gone_at IS NULL") == [(90,)]


def test_what_runs_wrote_is_read_of_one_run_at_a_time_if_no_order_tells_it_apart(pull, sandbox, query):
    """The pages of one run have few items without a time, and those of many runs have more than a page."""
    sandbox.measurements[:] = [evolve(each, started_at=None) for each in sandbox.measurements]
    sandbox.paging = paging.capped(20)
    assert pull("runs", "measurements")["measurements"].is_unchecked is False
    assert query("SELECT count(*) FROM measurements") == [(len(sandbox.measurements),)]
    of_runs = [request.query.getall("ids", []) for request in sandbox.requests if request.path.endswith("measurements")]
    assert {len(ids) for ids in of_runs} > {1}


def test_pages_that_do_not_fit_together_are_an_error_that_names_no_option_of_a_walk(pull, sandbox):
    sandbox.paging = paging.capped(2)
    with pytest.raises(DriftError, match="; a mirror needs pages that show the whole listing") as caught:
        pull("runs", "procedures")
    assert not any(word in f"{caught.value} {caught.value.__dict__}" for word in ("on_drift", "cursor=C"))
