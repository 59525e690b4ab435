"""A sandbox in a thread, and dlt without its log."""

import logging

import dlt
import pytest

from aiotofupilot.sandbox import Sandbox
from aiotofupilot.testing import serve


@pytest.fixture(autouse=True, scope="session")
def _quiet():
    logging.getLogger("dlt").setLevel(logging.CRITICAL)


@pytest.fixture
def sandbox():
    with serve(Sandbox(procedures=5, runs=40)) as sandbox:
        yield sandbox


@pytest.fixture
def pipeline(tmp_path):
    """A pipeline into a database that is called as its user calls it."""
    pipeline = dlt.pipeline(
        "line",
        pipelines_dir=str(tmp_path / "pipelines"),
        destination=dlt.destinations.duckdb(str(tmp_path / "warehouse.duckdb")),
        dataset_name="test_data",
    )
    yield pipeline
    pipeline.deactivate()
