"""The recipes for engines that list shards on many workers count what is listed.

In the profile nightly, they run as they stand, on the engines themselves. Only `.ci/run nightly` installs these,
because they are large. Elsewhere, their recipes run over stand-ins for the few names that they use.
"""

import os
import pickle
import re
import subprocess
import sys
from collections import Counter
from types import ModuleType, SimpleNamespace

import pyarrow as pa
import pytest
from fakes.budget import NIGHTLY
from fakes.guides import blocks

from aiotofupilot.sandbox import Sandbox
from aiotofupilot.testing import serve


@pytest.fixture(scope="module")
def sandbox():
    with serve(Sandbox(procedures=20, runs=1000)) as sandbox:
        yield sandbox


@pytest.fixture
def expected(sandbox, monkeypatch):
    """How many runs of each outcome the recipes are to find; and a sandbox that they find by their environment."""
    monkeypatch.setenv("TOFUPILOT_API_KEY", sandbox.api_key)
    monkeypatch.setenv("TOFUPILOT_URL", sandbox.url)
    counts = Counter(run.outcome for run in sandbox.runs)
    return {outcome: counts[outcome] for outcome in ("FAIL", "PASS")}


def recipe(engine):
    """Return the program for an engine. All of them begin with the same lines, which the guide has once."""
    (head,), (block,) = blocks("python engine"), blocks(f"python {engine}")
    return head.text + block.text


def counted(text):
    """Read the numbers behind the outcomes in what a recipe prints."""
    return {outcome: int(count) for outcome, count in re.findall(r"(FAIL|PASS)\W+(?:count\(\)\W+)?(\d+)", text)}


ENGINES = {
    "dask": ("dask", ["-W", "error"], {}),
    "ray": ("ray", [], {"RAY_USAGE_STATS_ENABLED": "0"}),
    "spark": ("pyspark", [], {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}),
}
"""The package of each engine, how Python runs its recipe, and what is set for it."""


@pytest.mark.skipif(not NIGHTLY, reason="an engine takes half a minute")
@pytest.mark.parametrize("engine", ENGINES)
def test_the_engine_itself_counts_on_processes_of_its_own(engine, expected, tmp_path):
    package, options, own = ENGINES[engine]
    pytest.importorskip(package, reason="only `.ci/run nightly` installs it")
    program = tmp_path / "program.py"
    program.write_text(recipe(engine), encoding="utf-8")
    environment = os.environ | {"DASK_TEMPORARY_DIRECTORY": str(tmp_path)} | own
    environment.pop("PYTHONDEVMODE", None)  # asyncio would tell which of Dask's callbacks took long on this machine
    ran = subprocess.run(  # noqa: S603 - the README's own text
        [sys.executable, *options, program],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        timeout=170,
    )
    assert ran.returncode == 0, ran.stderr
    assert counted(ran.stdout) == expected
    if options:
        assert ran.stderr == ""


def run(engine, monkeypatch, **modules):
    """Run a recipe where some modules can be imported, and no network of the engine's is."""
    for name, names in modules.items():
        module = ModuleType(name)
        vars(module).update(names)
        monkeypatch.setitem(sys.modules, name, module)
    exec(compile(recipe(engine), engine, "exec", dont_inherit=True), {"__name__": "recipe"})  # noqa: S102 - likewise


class Grouped:
    """A table by a column."""

    def __init__(self, table, column):
        self._counts = table.group_by(column).aggregate([("id", "count")])
        self._column = column

    def count(self):
        return self

    def take_all(self):
        rows = self._counts.to_pylist()
        return [{self._column: row[self._column], "count()": row["id_count"]} for row in rows]

    def show(self):
        print(self.take_all())  # noqa: T201 - it is what Spark's does


def test_ray_counts_what_its_tasks_return(expected, monkeypatch, capsys):
    """A task gets a pickled shard. A data set is made of the tables that tasks return."""

    def remote(function):
        return SimpleNamespace(remote=lambda *arguments: function(*pickle.loads(pickle.dumps(arguments))))  # noqa: S301 - pickled here

    def from_arrow_refs(tables):
        assert len(tables) == 8
        return SimpleNamespace(groupby=lambda column: Grouped(pa.concat_tables(tables), column))

    run("ray", monkeypatch, ray={"remote": remote, "data": SimpleNamespace(from_arrow_refs=from_arrow_refs)})
    assert counted(capsys.readouterr().out) == expected


class InputPartition:
    def __init__(self, value):
        self.value = value


class DataSource:
    def __init__(self, options):
        self.options = options


class Spark:
    """As much of a Spark session as reads from a source that is written in Python."""

    def __init__(self):
        self.sources = {}
        self.builder = SimpleNamespace(getOrCreate=lambda: self)
        self.dataSource = SimpleNamespace(register=lambda source: self.sources.update({source.name(): source}))
        self.read = self

    def format(self, name):
        self._source = self.sources[name]({})
        return self

    def load(self):
        schema = self._source.schema()
        reader = self._source.reader(schema)
        partitions = reader.partitions()
        assert len(partitions) == 8
        batches = []
        for partition in partitions:
            assert isinstance(partition, InputPartition)
            batches += reader.read(pickle.loads(pickle.dumps(partition)))  # noqa: S301 - pickled here
        table = pa.Table.from_batches(batches, schema)
        return SimpleNamespace(groupBy=lambda column: Grouped(table, column))


def test_spark_counts_what_its_source_reads(expected, monkeypatch, capsys):
    """A partition is pickled, and read on its own. The batches have the schema that the source promises."""
    run(
        "spark",
        monkeypatch,
        **{
            "pyspark": {},
            "pyspark.sql": {"SparkSession": Spark()},
            "pyspark.sql.datasource": {
                "DataSource": DataSource,
                "DataSourceReader": type("DataSourceReader", (), {}),
                "InputPartition": InputPartition,
            },
            "pyspark.sql.pandas": {},
            "pyspark.sql.pandas.types": {"from_arrow_schema": lambda schema: schema},
            "pyspark.sql.types": {"StructType": pa.Schema},
        },
    )
    assert counted(capsys.readouterr().out) == expected
