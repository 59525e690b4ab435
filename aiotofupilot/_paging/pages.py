"""A listing page by page, as the server cuts it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve

from aiotofupilot._otel import WalkSpan
from aiotofupilot.errors import TofuPilotError
from aiotofupilot.stats import WalkStats

from .memory import IgnoreDrift
from .prefetch import Window
from .source import Fetch, Identified, Plan
from .unreadable import note_left_out

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from aiotofupilot.models import Page
    from aiotofupilot.positions import Checkpoint

T = TypeVar("T", bound=Identified)


async def pages_of(fetch: Fetch[T], plan: Plan) -> AsyncGenerator[Page[T], None]:
    """Yield pages, as many as the plan needs, whatever it says about drift; see `Paginator.pages`."""
    checkpoint = plan.start
    remaining = None if plan.max_items is None else plan.max_items + bool(plan.max_items) * plan.start.skip
    drift, stats = IgnoreDrift[T](), WalkStats()
    span = WalkSpan(plan.start.listing, plan.described())
    window = Window(
        partial(fetch, counts=stats.counts),
        cursor=plan.start.cursor,
        limit=plan.limit,
        concurrency=plan.concurrency,
        on_unreadable=plan.on_unreadable,
    )
    try:
        while remaining is None or remaining > 0:
            with span.fetching():
                page = await window.next(None if remaining is None else -(-remaining // plan.limit))
            if page is None:
                return
            span.arrived()
            shown = kept(page, plan)
            stats.pages += 1
            stats.items += len(shown.data)
            if window.gap is not None:
                note_left_out(window.gap, stats, span)
            yield shown
            checkpoint = checkpoint_after(page, plan.start)
            if remaining is not None:
                remaining -= len(shown.data)
            drift.admit(page)  # which refuses a listing that goes on without end
    except Exception as error:
        note_checkpoint(error, checkpoint, plan.start)
        span.end(stats, error)
        raise
    finally:
        span.end(stats)
        await window.aclose()


def kept(page: Page[T], plan: Plan) -> Page[T]:
    """Return a page with those of its items that the plan keeps."""
    keep = plan.keep
    return page if keep is None else evolve(page, data=[item for item in page.data if keep(item)])


def checkpoint_after(page: Page[Any], start: Checkpoint) -> Checkpoint:
    """Return the checkpoint after a page's last item, given another one of the same listing and query."""
    cursor = page.following
    if cursor is None or cursor <= page.cursor:
        return evolve(start, cursor=page.cursor, skip=len(page.data), anchors=(), ahead=())
    return evolve(start, cursor=cursor, skip=0, anchors=(), ahead=())


def note_checkpoint(error: Exception, checkpoint: Checkpoint, start: Checkpoint) -> None:
    """Tell with an error where the walk is, and how to resume there unless that is where it began."""
    if isinstance(error, TofuPilotError):
        error.checkpoint = checkpoint
        if error.position is not None:
            _note_position(error, error.position, checkpoint)
    if checkpoint != start:
        error.add_note(f"cursor={checkpoint.cursor}, resume with cursor=Checkpoint.parse({str(checkpoint)!r})")


def _note_position(error: TofuPilotError, position: int, checkpoint: Checkpoint) -> None:
    """Tell with an error how to resume after the item that cannot be read, if the walk is right before it."""
    if position > checkpoint.cursor + checkpoint.skip:
        error.position = None  # the walk was looking for its own position, and items before this one are still to come
        return
    after = checkpoint.after(position)
    error.add_note(
        f'the item at position {position} cannot be read, and others can: on_unreadable="skip" leaves it out, or '
        f"resume after it with cursor=Checkpoint.parse({str(after)!r})"
    )
