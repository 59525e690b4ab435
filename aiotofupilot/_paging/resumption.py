"""Where a walk that ends early can be resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiotofupilot.checkpoint import Checkpoint
from aiotofupilot.errors import TofuPilotError

if TYPE_CHECKING:
    from aiotofupilot.models import Page

__all__ = ["checkpoint_after", "note_checkpoint"]


def checkpoint_after(page: Page[Any]) -> Checkpoint:
    """Return the place after a page's last item."""
    cursor = page.following
    if cursor is None or cursor <= page.cursor:
        return Checkpoint(page.cursor, len(page.data))
    return Checkpoint(cursor)


def note_checkpoint(error: Exception, checkpoint: Checkpoint) -> None:
    """Tell with an error where to resume, whoever raised it."""
    if isinstance(error, TofuPilotError):
        error.checkpoint = checkpoint
    error.add_note(f"cursor={checkpoint.cursor}, resume with cursor=Checkpoint.parse({str(checkpoint)!r})")
