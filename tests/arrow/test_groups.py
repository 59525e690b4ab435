"""The groups of rows in a Parquet file are neither small nor large."""

import pytest

from aiotofupilot import Procedure
from aiotofupilot.arrow import record_batch, streaming
from aiotofupilot.sandbox import make_procedures


@pytest.fixture
def five_batches():
    """Ten rows each."""
    return [record_batch(make_procedures(10), Procedure)] * 5


def rows_of_groups(batches):
    return [group.num_rows for group in streaming._groups(batches)]


def test_small_batches_are_one_group(five_batches):
    assert rows_of_groups(five_batches) == [50]


def test_a_group_of_many_bytes_takes_no_more(monkeypatch, five_batches):
    size = five_batches[0].nbytes
    for most in (size + 1, 2 * size):
        monkeypatch.setattr(streaming, "_GROUP_SIZE", most)
        assert rows_of_groups(five_batches) == [20, 20, 10]
