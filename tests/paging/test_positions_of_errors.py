"""What an error says about the item that cannot be read, beside where the walk is.

A private function is tested, because a walk looks for its position over such an item in rare histories only.
"""

from aiotofupilot import Checkpoint, ServerError
from aiotofupilot._paging.walk import note_checkpoint


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
    error = noted(43, Checkpoint(40, 2))
    assert (error.position, error.checkpoint) == (None, Checkpoint(40, 2))
    assert len(error.__notes__) == 1
