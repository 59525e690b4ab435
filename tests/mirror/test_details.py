"""A mirror with details has the waveforms and attachments of its runs, exactly, and no address of a file.

- A mirror with details has every point and each attachment of its runs, through kills, failures and changes, and no
  address of a file.
"""

from datetime import timedelta
from math import nan

import pytest
from fakes.in_process import InProcess
from fakes.waveforms import measured, run_of

from aiotofupilot import NotFoundError, ServerError
from aiotofupilot.listings import Runs
from aiotofupilot.mirror import MirrorError, database, tables as mirror_tables, update
from aiotofupilot.mirror.database import Database
from aiotofupilot.mirror.tables import DetailRows
from aiotofupilot.models import DataSeries
from aiotofupilot.sandbox import faults

RUNS = 7
ALL = timedelta(days=36_500)
SERIES = (
    "id, run_id, phase_name, retry_count, measurement_id, measurement_name, series, series_name, description, units"
)

pytestmark = pytest.mark.usefixtures("short_series")


LINE = {"procedures": 2, "runs": RUNS}


@pytest.fixture
def details(sandbox):
    """Return the details of all runs that there are."""

    async def details():
        return await Runs(InProcess(sandbox)).list().details().collect()

    return details


@pytest.fixture
def tables(query):
    """Return the series that are there with their points, and the attachments."""

    def tables(**options):
        points = dict(query("SELECT series_key, list(value ORDER BY index) FROM points GROUP BY ALL", **options))
        found = query(f"SELECT series_key, length, {SERIES} FROM series WHERE _gone_at IS NULL", **options)  # noqa: S608 - our own
        series = {key: (*rest, points.get(number, [])) for number, _, key, *rest in found}
        assert all(length == len(points.get(number, [])) for number, length, *_ in found)
        every = query("SELECT series_key FROM series", **options)
        assert points.keys() <= {key for (key,) in every}
        assert len(every) == len(set(every))
        columns = "id, run_id, name, size, content_type, is_report"
        files = query(f"SELECT {columns} FROM attachments WHERE _gone_at IS NULL", **options)  # noqa: S608 - likewise
        assert len({key for key, *_ in files}) == len(files)
        return series, set(files)

    return tables


def expected(runs):
    series = {
        f"{measurement.id}:{number}": (
            *(run.id, phase.name, phase.retry_count, measurement.id, measurement.name),
            *(number, axis.name, axis.description, axis.units, list(axis.data)),
        )
        for run in runs
        for phase in run.phases
        for measurement in phase.measurements
        for number, axis in enumerate(measurement.data_series or ())
    }
    files = {
        (each.id, run.id, each.name, each.size, each.content_type, each.is_report)
        for run in runs
        for each in run.attachments
    }
    return series, files


async def test_it_has_the_waveforms_and_attachments_of_its_runs(pull, details, tables, query):
    results = pull("runs", details=True)
    runs = await details()
    series, files = expected(runs)
    assert len(series) > 5
    assert len(files) > 3
    assert tables() == (series, files)
    assert list(results) == ["runs", "series", "attachments"]
    assert (results["series"].new, results["attachments"].new) == (len(series), len(files))
    points = query("SELECT run_id, measurement_id, series, index, value, units FROM tofupilot.points")
    assert sorted(points) == sorted(
        (run_id, measurement_id, number, index, value, units)
        for run_id, _, _, measurement_id, _, number, _, _, units, data in series.values()
        for index, value in enumerate(data)
    )
    addresses = [each.download_url.partition("?")[0] for run in runs for each in run.attachments if each.download_url]
    assert len(addresses) > 1
    for table in ("runs", "series", "attachments", "_mirror", "_mirror_listings"):
        rows = str(query(f"SELECT * FROM {table}"))  # noqa: S608 - our own
        assert not any(address in rows for address in addresses)


async def test_what_is_new_follows_and_an_update_of_nothing_changes_nothing(
    have, pull, sandbox, details, tables, query
):
    have("runs", details=True)
    keys = query("SELECT id, series_key FROM series ORDER BY id")
    again = pull("runs", again=ALL)
    assert (again["series"].new, again["series"].gone, again["attachments"].gone) == (0, 0, 0)
    assert query("SELECT id, series_key FROM series ORDER BY id") == keys
    sandbox.produce(3)
    results = pull("runs")
    assert results["series"].new > 0
    assert tables() == expected(await details())


async def test_details_that_are_asked_for_later_are_read_of_all_runs(have, pull, details, tables):
    have("runs", "phases")
    pull("runs", details=True)
    assert tables() == expected(await details())


@pytest.mark.parametrize("options", [{"full": True}, {"again": ALL}])
async def test_what_belongs_to_a_run_that_is_gone_is_gone(have, pull, sandbox, details, tables, query, options):
    have("runs", details=True)
    runs = await details()
    with_series = next(run for run in runs if expected([run])[0])
    gone = expected([with_series])
    sandbox.runs[:] = [run for run in sandbox.runs if run.id != with_series.id]
    results = pull("runs", **options)
    assert tables() == expected(await details())
    assert (results["series"].gone, results["attachments"].gone) == (len(gone[0]), len(gone[1]))
    assert query("SELECT count(*) FROM tofupilot.points WHERE run_id = ?", with_series.id) == [(0,)]
    assert query("SELECT count(*) > 0 FROM points") == [(True,)]


def stored(path, *runs):
    """Store the details of some runs in a database, as an update does."""
    made = Database(path)
    try:
        made.check("https://www.tofupilot.app", None, {})
        made.prepare("runs", {"runs": "", "series": "", "attachments": ""})
        rows = DetailRows()
        for run in runs:
            rows.add(run)
        now = database.datetime.now(database.UTC)
        made.store({name: [batch] for name, (batch, _) in rows.take().items()}, now, {})
        made.finish()
    finally:
        made.close()


def run(*data, units="mV", identity="m"):
    series = tuple(DataSeries(data=each, units=units) for each in data)
    return run_of(measured(*series, identity=identity), attachments=())


def test_points_that_have_changed_replace_those_before(query, tmp_path):
    path = tmp_path / "line.duckdb"
    points = "SELECT id, units, list(value ORDER BY index) FROM series LEFT JOIN points USING (series_key) GROUP BY ALL"
    first = [run((1.0, nan, 3.0), (5.0,), ()), run((7.0, 8.0), identity="n")]
    stored(path, *first)
    assert sorted(query(points)) == [
        ("m:0", "mV", [1.0, None, 3.0]),
        ("m:1", "mV", [5.0]),
        ("m:2", "mV", [None]),
        ("n:0", "mV", [7.0, 8.0]),
    ]
    keys = dict(query("SELECT id, series_key FROM series"))
    stored(path, run((1.0, nan, 3.0), (5.0, 6.0), (4.0,), units="V"))
    assert sorted(query(points)) == [
        ("m:0", "V", [1.0, None, 3.0]),
        ("m:1", "V", [5.0, 6.0]),
        ("m:2", "V", [4.0]),
        ("n:0", "mV", [7.0, 8.0]),
    ]
    now = dict(query("SELECT id, series_key FROM series"))
    assert {name for name in keys if keys[name] == now[name]} == {"m:0", "n:0"}
    assert len(set(now.values())) == 4
    assert query("SELECT count(*) FROM points") == [(3 + 2 + 1 + 2,)]


def test_many_points_are_enough_for_rows_as_many_series_are(monkeypatch):
    """So details that wait take no more memory, however long they are."""
    monkeypatch.setattr(mirror_tables, "_MANY_POINTS", 6)
    monkeypatch.setattr(mirror_tables, "_MANY_ROWS", 3)
    for more, series in ((run((4.0, 5.0, 6.0), identity="n"), 2), (run((), (), identity="n"), 3)):
        rows = DetailRows()
        rows.add(run((1.0, 2.0, 3.0)))
        assert not rows.is_enough
        rows.add(more)
        assert rows.is_enough
        made, faults = rows.take()["series"]
        assert (made.num_rows, faults) == (series, ())
        assert not rows.is_enough


async def test_an_attachment_that_several_runs_name_is_there_once(pull, sandbox, replace, details, query, monkeypatch):
    """Their details can come far apart, and be stored together all the same."""
    monkeypatch.setattr(update, "_IDS_AT_ONCE", 2)
    files = [each.id for run in await details() for each in run.attachments]
    for each in files[1:]:
        replace(each.encode(), files[0].encode())
    for full in (False, True):
        pull("runs", details=True, full=full)
        assert query("SELECT id FROM attachments") == [(files[0],)]


def test_an_id_that_a_server_repeats_is_there_once(query, tmp_path):
    for _ in range(2):
        stored(tmp_path / "line.duckdb", run((1.0, 2.0)), run((3.0,)))
        assert query("SELECT id, length, value FROM series JOIN points USING (series_key)") == [("m:0", 1, 3.0)]


@pytest.mark.parametrize(
    ("removal", "between"), [("series", ()), ("points", ("runs",)), ("attachments", ("runs",))], ids=str
)
async def test_what_was_removed_is_there_again(have, pull, details, tables, query, removal, between):
    have("runs", details=True)
    for view in ("points", "series", "attachments"):
        query(f"DROP VIEW tofupilot.{view}")
    query(f"DROP TABLE {removal}")
    for name in between:
        pull(name)
    pull("runs", details=True)
    assert tables() == expected(await details())


async def test_details_that_cannot_be_read_can_be_left_out_and_mark_nothing_as_gone(
    have, pull, sandbox, details, tables
):
    have("runs", details=True)
    whole = tables()
    broken = sandbox.runs[3].id
    sandbox.faults.on(lambda request: request.path.endswith(broken)).always(faults.status(500))
    results = pull("runs", full=True, on_unreadable="skip", retry=None)
    assert (results["runs"].unreadable, results["series"].unreadable, results["attachments"].unreadable) == (0, 1, 1)
    assert (results["series"].gone, results["attachments"].gone) == (0, 0)
    assert tables() == whole


async def test_a_run_that_is_removed_meanwhile_has_no_details(pull, sandbox, details, tables):
    removed = sandbox.runs[3]

    def remove(_, request):
        if request.path.endswith(removed.id) and removed in sandbox.runs:
            sandbox.runs.remove(removed)

    sandbox.before_response.append(remove)
    results = pull("runs", details=True)
    assert results["runs"].new == RUNS
    assert tables() == expected(await details())


async def test_a_run_whose_details_lag_is_waited_for(pull, sandbox, details, tables):
    """If that takes too long, it does not count as read."""
    late = sandbox.faults.on(lambda request: request.path.endswith(sandbox.runs[3].id))
    late.next(faults.status(404), times=3)
    pull("runs", details=True)
    assert tables() == expected(await details())
    late.next(faults.status(404), times=4)
    with pytest.raises(NotFoundError, match="it is still listed"):
        pull("runs", full=True)
    pull("runs", full=True)
    assert tables() == expected(await details())


def test_a_server_that_has_no_details_is_told_of(pull, sandbox):
    sandbox.faults.on(lambda request: request.path.count("/") == 4).always(faults.status(404))
    with pytest.raises(NotFoundError, match="may be too old"):
        pull("runs", details=True)


async def test_a_part_of_an_account_has_the_details_of_its_runs(pull, details, tables):
    results = pull("runs", details=True, filters={"outcomes": ["PASS"]})
    assert tables() == expected([run for run in await details() if run.outcome == "PASS"])
    assert results["attachments"].rows > 0


async def test_a_server_that_does_not_know_the_filter_costs_no_row(pull, sandbox, details, tables, monkeypatch):
    """It lists other runs too."""
    oldest_first = update.Update._oldest_first
    monkeypatch.setattr(update.Update, "_oldest_first", lambda self, name, ids: oldest_first(self, name))
    monkeypatch.setattr(update, "_IDS_AT_ONCE", 4)
    pull("runs", details=True)
    assert tables() == expected(await details())


def test_details_come_with_runs(pull):
    assert list(pull("users", details=True)) == ["runs", "users", "series", "attachments"]
    with pytest.raises(TypeError, match="details must be"):
        pull("users", details="yes")


def test_a_table_of_the_users_own_stays(pull, query):
    """Without details, it is not the mirror's concern. With details, it is in the way."""
    names = ("attachments", "points", "series")
    for name in names:
        query(f"CREATE TABLE {name} AS SELECT 42 AS mine")
    pull("runs")
    pull("runs", full=True)
    for name in names:
        with pytest.raises(MirrorError, match=f"the database has a table {name} that"):
            pull("runs", details=True)
        assert query(f"FROM {name}") == [(42,)]
        query(f"DROP TABLE {name}")


async def test_an_update_that_fails_among_the_details_is_made_up_for(pull, sandbox, details, tables, monkeypatch):
    """The runs whose details are missing do not count as read."""
    monkeypatch.setattr(mirror_tables, "_MANY_POINTS", 50)
    monkeypatch.setattr(update, "_ROWS", 5)
    monkeypatch.setattr(update, "_RUNS_FIRST", 3)
    broken = sorted(sandbox.runs, key=lambda run: run.created_at)[4].id
    sandbox.faults.on(lambda request: request.path.endswith(broken)).always(faults.status(500))
    with pytest.raises(ServerError):
        pull("runs", details=True, retry=None)
    sandbox.faults.clear()
    assert 0 < len(tables()[1]) < len(expected(await details())[1])
    pull("runs", details=True)
    assert tables() == expected(await details())
