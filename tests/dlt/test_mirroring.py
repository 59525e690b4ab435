"""A database with a table for each listing, brought up to date by each run."""

import gc
import resource
import shutil
from types import SimpleNamespace

import pytest
from attrs import evolve
from dlt.pipeline.exceptions import PipelineStepFailed
from dlt.pipeline.pipeline import Pipeline
from fakes.budget import NIGHTLY
from fakes.wire_listings import MODELS

from aiotofupilot import ForbiddenError
from aiotofupilot.dlt import (
    MirrorError,
    MirrorResult,
    StaleWatermarkError,
    database,
    mirror,
    mirroring,
    reading,
    source,
)
from aiotofupilot.sandbox import faults


def ids(rows):
    return sorted(item.id for item in rows)


@pytest.fixture
def mirrored(query):
    """Return the IDs in a table, sorted."""

    def mirrored(listing, **options):
        return [key for (key,) in query(f"SELECT id FROM {listing} ORDER BY id", **options)]  # noqa: S608 - a listing's name

    return mirrored


def test_every_listing_is_a_table(pull, sandbox, query, mirrored, tmp_path):
    """The first run brings everything, the second one nothing, and the third one what is new. No file stays beside."""
    came = pull()
    assert list(came) == list(MODELS)
    assert {name: mirrored(name) for name in MODELS} == {name: ids(getattr(sandbox, name)) for name in MODELS}
    assert {name: brought.new for name, brought in came.items()} == {
        name: len(getattr(sandbox, name)) for name in MODELS
    }
    again = () if NIGHTLY else ("procedures", "stations", "measurements")
    assert not any(brought.new or brought.gone for brought in pull(*again).values())
    sandbox.produce(2)
    came = pull("measurements", "runs")
    assert list(came) == ["runs", "measurements"]
    assert came["runs"] == MirrorResult(listing="runs", new=2, gone=0, rows=42)
    assert mirrored("measurements") == ids(sandbox.measurements)
    assert query("SELECT server, updated_at > now() - INTERVAL 1 HOUR FROM _mirror") == [("sandbox", True)]
    assert {name for (name,) in query("SELECT DISTINCT table_schema FROM information_schema.tables")} == {"main"}
    assert [path.name for path in tmp_path.iterdir()] == ["line.duckdb"]


def test_what_is_gone_is_marked(pull, sandbox, query):
    """A full run sees it, and that it came back. The row stays."""
    pull("procedures")
    removed = sandbox.procedures.pop(2)
    sandbox.procedures[0] = evolve(sandbox.procedures[0], name="Renamed")
    assert pull("procedures")["procedures"].gone == 0
    assert pull("procedures", full=True)["procedures"] == MirrorResult(listing="procedures", new=0, gone=1, rows=5)
    assert query("SELECT id FROM procedures WHERE _gone_at IS NOT NULL") == [(removed.id,)]
    assert query("SELECT id FROM procedures WHERE name = 'Renamed'") == [(sandbox.procedures[0].id,)]
    sandbox.procedures.insert(2, removed)
    assert pull("procedures", full=True)["procedures"].gone == 0
    assert query("SELECT id FROM procedures WHERE _gone_at IS NOT NULL") == []


def test_a_large_listing_is_loaded_in_parts(pull, sandbox, monkeypatch, mirrored):
    """A full run reads on from part to part, and marks nothing as gone that it read in an earlier one."""
    sandbox.produce(210)
    loads = []
    load = Pipeline.load
    monkeypatch.setattr(Pipeline, "load", lambda pipeline: loads.append(pipeline) or load(pipeline))
    monkeypatch.setattr(mirroring, "_AT_ONCE", 90)
    for is_full in (False, True):
        loads.clear()
        assert pull("runs", full=is_full)["runs"].gone == 0
        assert len(loads) >= 3
        assert mirrored("runs") == ids(sandbox.runs)


def test_rows_are_counted_as_they_are_read_and_each_request_enters_a_limiter(pull, sandbox, limiters):
    """Each listing has its own limiter."""
    counted = []
    pull("runs", "users", on_rows=lambda *arrived: counted.append(arrived), make_limiter=limiters)
    assert counted == [("runs", 40), ("users", len(sandbox.users))]
    assert limiters.entered == len(sandbox.requests)
    assert limiters.made == 2


def test_a_run_that_ends_within_a_load_is_repeated(pull, sandbox, monkeypatch, mirrored):
    """What had been read and not loaded is read again: the database alone says how far it is."""

    def fail(_pipeline):
        raise MemoryError

    pull("runs")
    for step in ("normalize", "load"):
        sandbox.produce(3)
        with monkeypatch.context() as patched, pytest.raises(MemoryError):
            patched.setattr(Pipeline, step, fail)
            pull("runs")
        assert pull("runs")["runs"].new == 3
        assert mirrored("runs") == ids(sandbox.runs)


def test_a_folder_that_a_killed_run_has_left_counts_for_nothing(pull, sandbox, tmp_path, mirrored, monkeypatch):
    """Also if it knows more than the database, which may have been restored from a copy."""
    database, folder = tmp_path / "line.duckdb", tmp_path / "line.duckdb.work"
    pull("runs")
    copy = shutil.copy(database, tmp_path / "copy.duckdb")
    sandbox.produce(3)
    with monkeypatch.context() as patched:
        patched.setattr(mirroring, "shutil", SimpleNamespace(rmtree=lambda *_, **__: None))
        pull("runs")
    assert folder.is_dir()
    shutil.move(copy, database)
    assert pull("runs")["runs"].new == 3
    assert mirrored("runs") == ids(sandbox.runs)
    assert not folder.exists()


def test_a_database_can_be_moved(pull, sandbox, tmp_path, mirrored):
    pull("runs")
    moved = tmp_path / "elsewhere" / "main.duckdb"
    moved.parent.mkdir()
    shutil.move(tmp_path / "line.duckdb", moved)
    sandbox.produce(1)
    assert pull("runs", path=moved)["runs"].new == 1
    assert mirrored("runs", path=moved) == ids(sandbox.runs)


def test_a_path_that_means_something_in_sql(pull, sandbox, tmp_path, mirrored, query, monkeypatch):
    """dlt's files are elsewhere meanwhile, and nothing of them stays there. No row takes a value from the path."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    odd = tmp_path / "O'Brien [1]*" / "100%" / "name=Nobody" / "line.duckdb"
    odd.parent.mkdir(parents=True)
    assert pull("users", path=odd)["users"].new == len(sandbox.users)
    assert mirrored("users", path=odd) == ids(sandbox.users)
    assert query("FROM users WHERE name = 'Nobody'", path=odd) == []
    assert [path.name for path in odd.parent.iterdir()] == ["line.duckdb"]
    assert not list(temporary.iterdir())


def test_two_at_the_same_time(pull, sandbox, tmp_path):
    """The second one is refused, and the first one is not disturbed. Closed early, it lets go of the database."""
    first = mirror(
        tmp_path / "line.duckdb",
        listings=["procedures", "users", "logs"],
        api_key=sandbox.api_key,
        base_url=sandbox.url,
        server="sandbox",
    )
    next(first)
    with pytest.raises(MirrorError, match="is being brought up to date by another program"):
        pull("procedures")
    assert next(first).listing == "users"
    first.close()
    assert pull("procedures")["procedures"].new == 0


def test_a_schema_that_is_older_gets_its_columns(pull, sandbox, query, monkeypatch):
    """Rows that were there have null in them until they are read again."""
    schema_of, rows_of = source.schema_of, source.rows_of

    def older_schema(model):
        schema = schema_of(model)
        return schema.remove(schema.get_field_index("docstring"))

    with monkeypatch.context() as patched:
        patched.setattr(source, "schema_of", older_schema)
        patched.setattr(source, "rows_of", lambda items, model: rows_of(items, model).drop_columns(["docstring"]))
        pull("runs")
    assert query("SELECT count(*) FROM information_schema.columns WHERE column_name = 'docstring'") == [(0,)]
    sandbox.produce(1)
    sandbox.runs[0] = evolve(sandbox.runs[0], docstring="Checks the ripple.")
    pull("runs")
    assert query("SELECT docstring, count(*) FROM runs GROUP BY ALL ORDER BY ALL") == [
        ("Checks the ripple.", 1),
        (None, 40),
    ]


def test_a_column_that_was_removed_is_there_again(pull, sandbox, query):
    """Rows that were there have null in it until they are read again."""
    pull("runs")
    query("ALTER TABLE runs DROP COLUMN outcome")
    sandbox.produce(1)
    assert pull("runs")["runs"].new == 1
    assert query("SELECT count(outcome), count(*) FROM runs") == [(1, 41)]
    pull("runs", full=True)
    assert query("SELECT count(outcome), count(*) FROM runs") == [(41, 41)]


def test_a_table_of_dlt_that_was_removed_is_made_again(pull, sandbox, query, mirrored):
    """Where the place in the listing is lost with it, the listing is read again."""
    pull("runs")
    for table in ("_dlt_loads", "_dlt_pipeline_state", "_dlt_version"):
        query(f"DROP TABLE {table}")
        sandbox.produce(1)
        for new in (1, 0) if NIGHTLY else (1,):
            assert pull("runs")["runs"].new == new
            assert mirrored("runs") == ids(sandbox.runs)


def test_a_table_that_was_removed_comes_anew(pull, sandbox, query, mirrored):
    """Whole, and not from where the last run ended."""
    pull("procedures", "runs")
    query("DROP TABLE runs")
    sandbox.produce(1)
    came = pull("procedures", "runs")
    assert (came["procedures"].new, came["runs"].new) == (0, 41)
    assert mirrored("runs") == ids(sandbox.runs)
    assert pull("runs")["runs"].new == 0


def test_a_server_that_refuses_a_listing_costs_the_others_nothing(pull, sandbox, mirrored):
    """What is raised is what the session raised."""
    sandbox.before_response.append(lambda _factory, request: refuse(request))

    def refuse(request):
        if request.path.endswith("/units"):
            sandbox.faults.next(faults.status(403))

    with pytest.raises(ForbiddenError) as caught:
        pull("procedures", "units")
    assert caught.value.__suppress_context__
    assert mirrored("procedures") == ids(sandbox.procedures)


def test_a_place_of_other_filters(pull, sandbox, monkeypatch, mirrored):
    """A full run does without it."""
    with monkeypatch.context() as patched:
        patched.setattr(reading, "listing_of", lambda name, session, how: session.runs.list(outcomes=["PASS"]))
        pull("runs")
    with pytest.raises(StaleWatermarkError, match="cannot go on where the last run ended, so read everything again"):
        pull("runs")
    pull("runs", full=True)
    assert mirrored("runs") == ids(sandbox.runs)


@pytest.mark.filterwarnings(  # dlt does not close a file that it could not write
    r"ignore:.*line\.duckdb\.work:pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize("size", [4_000, 60_000] if NIGHTLY else [60_000])
def test_a_disk_that_is_full(pull, sandbox, mirrored, size, monkeypatch):
    """Whatever the size from which on it takes nothing more: nothing of what was there is lost, and a run goes on."""
    monkeypatch.setenv("LOAD__RAISE_ON_MAX_RETRIES", "1")  # the test need not wait for four more attempts
    sandbox.produce(200)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        with pytest.raises(OSError, match="File too large"):
            pull("runs", "logs", "measurements")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    pull("runs", "measurements")
    assert mirrored("runs") == ids(sandbox.runs)
    assert mirrored("measurements") == ids(sandbox.measurements)
    gc.collect()  # in no later test, where the warning of the file would be an error


def test_ctrl_c_is_not_wrapped_in_an_error_of_dlt(pull):
    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull("users", on_rows=interrupt)


def test_a_fault_of_the_program_is_told_with_all_that_led_to_it(pull, monkeypatch):
    monkeypatch.setattr(source, "rows_of", lambda *_: 1 / 0)
    with pytest.raises(PipelineStepFailed, match="division by zero"):
        pull("users")


def test_an_error_of_duckdb_says_which_file(pull, query, tmp_path, monkeypatch):
    """A table that no column can be added to, because it is a view."""
    query("SELECT 1")
    monkeypatch.setattr(database.Database, "check", lambda *_: None)
    query("CREATE VIEW users AS SELECT 'x' AS id")
    with pytest.raises(MirrorError, match=f"cannot use {tmp_path}/line.duckdb: "):
        pull("users")


@pytest.mark.parametrize(
    ("options", "error", "complaint"),
    [
        ({"listings": ["run"]}, ValueError, "listings must be one of 'procedures', .*, got 'run'"),
        ({"concurrency": 0}, ValueError, "concurrency must be at least 1, got 0"),
        ({"full": "false"}, TypeError, "full must be True or False, got 'false'"),
    ],
)
def test_an_argument_out_of_bounds_is_refused_before_a_file_is_made(tmp_path, options, error, complaint):
    with pytest.raises(error, match=complaint):
        mirror(tmp_path / "line.duckdb", api_key="key", base_url="https://tofupilot.example", **options)
    assert not list(tmp_path.iterdir())
