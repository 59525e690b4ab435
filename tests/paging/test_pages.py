"""An error of a walk says how to resume."""

from aiotofupilot import Checkpoint, ServerError
from aiotofupilot._paging.pages import note_checkpoint


def noted(position, checkpoint):
    error = ServerError("Internal Server Error", status=500)
    error.position = position
    note_checkpoint(error, checkpoint, Checkpoint())
    return error


def test_an_item_that_the_walk_stands_before_can_be_passed():
    error = noted(42, Checkpoint(40, 2))
    assert error.position == 42
    assert "resume after it with cursor=Checkpoint.parse('43')" in error.__notes__[0]


def test_an_item_further_on_has_no_position():
    """To resume after it would leave out what the walk has not yielded yet."""
    assert noted(41, Checkpoint(40, 2)).position == 41
    error = noted(43, Checkpoint(40, 2))
    assert error.position is None
    assert error.checkpoint == Checkpoint(40, 2)
    assert len(error.__notes__) == 1
