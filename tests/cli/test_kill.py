"""A file whose writer is killed, at whatever moment, is gone on with to the file that it would have been.

- A file whose writer is killed at any time is completed by `--resume` to the bytes of an uninterrupted run.
"""

import pytest
from fakes.budget import NIGHTLY

from aiotofupilot.cli import run


@pytest.mark.parametrize(
    ("form", "options"),
    [
        pytest.param("jsonl", ["--details", "--concurrency", "4", "-n", "60"], id="details"),
        pytest.param("jsonl", ["--concurrency", "4", "--on-drift", "resync"], id="concurrent jsonl"),
        pytest.param("csv", [], id="csv"),
        pytest.param("json", [], id="json"),
    ][: None if NIGHTLY else 1],
)
def test_killed_again_and_again(killed, tmp_path, form, options):
    whole, output = tmp_path / f"whole.{form}", tmp_path / f"list.{form}"
    assert run(["procedures", "--output", str(whole), *options]) == 0
    for _ in killed("procedures", "--page-size", 5, *options, "--output", output, "--resume", seed=form):
        if output.exists():  # the signal came when all had been written, and before the process could end
            assert output.read_bytes() == whole.read_bytes()
            output.unlink()  # a finished file is not gone on with
    assert output.read_bytes() == whole.read_bytes()
    assert sorted(tmp_path.iterdir()) == sorted([whole, output])
