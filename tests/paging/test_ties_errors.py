"""Items of one time that fill a page are read in another order, whose positions are not those of the listing."""

import pytest
from attrs import evolve
from fakes.in_process import InProcess

from aiotofupilot import Checkpoint, ServerError
from aiotofupilot.listings import Runs
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.faults import unreadable


async def test_an_error_says_where_to_resume_in_the_listing_itself():
    service = Sandbox(procedures=1, runs=300)
    service.runs[20:220] = [evolve(run, started_at=service.runs[20].started_at) for run in service.runs[20:220]]
    service.faults.always(unreadable(service.runs[150].id))
    walk = Runs(InProcess(service, attempts=2)).list().walk()
    with pytest.raises(ServerError) as caught:
        [item async for item in walk]
    assert caught.value.position is None
    assert caught.value.checkpoint == walk.checkpoint
    [note] = caught.value.__notes__
    assert Checkpoint.parse(note.partition("parse('")[2].partition("'")[0]) == walk.checkpoint
