"""A file whose writer is killed, at whatever moment, is gone on with to the file that it would have been."""

from itertools import count
from random import Random

import pytest
from fakes.budget import KILLS, NIGHTLY

from aiotofupilot.cli import run


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize(
    ("form", "options"),
    [
        pytest.param("jsonl", ["--concurrency", "4", "--on-drift", "resync"], id="concurrent jsonl"),
        pytest.param("jsonl", ["--details", "--concurrency", "4", "-n", "60"], id="details"),
        pytest.param("csv", [], id="csv"),
        pytest.param("json", [], id="json"),
    ][: None if NIGHTLY else 2],
)
def test_killed_again_and_again(start, sandbox, tmp_path, form, options):
    """With kill -9, before an answer or while it is being taken in, again and again."""
    whole, output = tmp_path / f"whole.{form}", tmp_path / f"list.{form}"
    assert run(["procedures", "--output", str(whole), *options]) == 0
    random, killed = Random(form), 0  # noqa: S311 - picks times
    for _ in count():
        asked, process = len(sandbox.requests), []
        fatal, hooks = asked + random.randint(8, 20), random.choice([sandbox.before_response, sandbox.after_response])

        def kill(*_, fatal=fatal, process=process):
            if process and len(sandbox.requests) >= fatal:  # the first request may come before `start` returns
                process[0].kill()

        if killed < KILLS:
            hooks.append(kill)
        process.append(start("procedures", "--page-size", 5, *options, "--output", output, "--resume"))
        code = process[0].wait(60)
        if code == 0:
            break
        hooks.remove(kill)
        assert code == -9, process[0].stderr.read()
        if output.exists():  # the signal came when all had been written, and before the process could end
            assert output.read_bytes() == whole.read_bytes()
            output.unlink()  # a finished file is not gone on with
        killed += 1
    assert killed >= 2
    assert output.read_bytes() == whole.read_bytes()
    assert sorted(tmp_path.iterdir()) == sorted([whole, output])
