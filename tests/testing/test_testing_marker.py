"""The options of the marker ``tofupilot`` make a sandbox, and a wrong one is named."""

import re

import pytest

from aiotofupilot.sandbox.faults import reset
from aiotofupilot.testing import make_run
from aiotofupilot.testing.serving import sandbox_of


def marked(**options):
    return sandbox_of([pytest.mark.tofupilot(**options).mark])


def test_without_a_marker_it_is_the_usual_sandbox():
    assert len(sandbox_of([]).procedures) == 250


def test_options_become_those_of_the_sandbox():
    run = make_run()
    sandbox = marked(procedures=3, runs=[run], stations=iter([]), faults=[reset()])
    assert len(sandbox.procedures) == 3
    assert sandbox.runs == [run]
    assert sandbox.stations == []
    assert sandbox.faults.pending == [reset()]
    sandbox = marked(faults=lambda faults: faults.on(cursor=2).next(reset(), times=2))
    assert sandbox.faults.pending == [reset(), reset()]


FAULTS = "faults of the marker tofupilot must be a list of faults, such as [status(503)], or a"


@pytest.mark.parametrize(
    ("options", "error", "complaint"),
    [
        ({"procedure": 3}, TypeError, "the marker tofupilot has no option procedure: it has api_key, batches, "),
        ({"faults": 503}, TypeError, FAULTS),
        ({"faults": [503]}, TypeError, FAULTS),
        ({"faults": reset()}, TypeError, FAULTS),
        ({"runs": "3"}, TypeError, "runs must be a number or an iterable of runs, got '3'"),
        ({"procedures": -1}, ValueError, "procedures must be at least 0, got -1"),
    ],
    ids=str,
)
def test_a_wrong_option_is_named(options, error, complaint):
    with pytest.raises(error, match=f"^{re.escape(complaint)}"):
        marked(**options)
