"""Where a walk that ends early can be resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve

from aiotofupilot.errors import TofuPilotError

if TYPE_CHECKING:
    from aiotofupilot.checkpoint import Checkpoint
    from aiotofupilot.models import Page

__all__ = ["checkpoint_after", "note_checkpoint"]


def checkpoint_after(page: Page[Any], start: Checkpoint) -> Checkpoint:
    """Return the place after a page's last item.

    Args:
        page: The page.
        start: A checkpoint of the same listing and query.
    """
    cursor = page.following
    if cursor is None or cursor <= page.cursor:
        return evolve(start, cursor=page.cursor, skip=len(page.data), anchors=(), ahead=())
    return evolve(start, cursor=cursor, skip=0, anchors=(), ahead=())


def note_checkpoint(error: Exception, checkpoint: Checkpoint, start: Checkpoint) -> None:
    """Tell with an error where to resume, also if it is not one of this package.

    Args:
        error: What ended the walk.
        checkpoint: Where the walk stands.
        start: Where it began. An error that came before anything else has no note, because there is nothing to resume.
    """
    if isinstance(error, TofuPilotError):
        error.checkpoint = checkpoint
        if error.position is not None:
            _note_position(error, error.position, checkpoint)
    if checkpoint != start:
        error.add_note(f"cursor={checkpoint.cursor}, resume with cursor=Checkpoint.parse({str(checkpoint)!r})")


def _note_position(error: TofuPilotError, position: int, checkpoint: Checkpoint) -> None:
    """Tell with an error how to resume after the item that cannot be read, if the walk stands right before it."""
    if position > checkpoint.cursor + checkpoint.skip:
        error.position = None  # the walk was looking for its place, and there are items before this one that it missed
        return
    after = checkpoint.after(position)
    error.add_note(
        f'the item at position {position} cannot be read, and others can: on_unreadable="skip" leaves it out, or '
        f"resume after it with cursor=Checkpoint.parse({str(after)!r})"
    )
