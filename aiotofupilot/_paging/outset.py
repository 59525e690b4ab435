"""How a walk sets out: what it holds pages to, where it begins, and how long its pages are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from attrs import frozen

from aiotofupilot.checkpoint import BEGINNING

from .drift import DetectDrift, IgnoreDrift
from .source import Identified

if TYPE_CHECKING:
    from typing import Self

    from .plan import Plan

__all__ = ["Outset"]

T = TypeVar("T", bound=Identified)


@frozen
class Outset(Generic[T]):
    """The beginning of a walk."""

    drift: IgnoreDrift[T] | DetectDrift[T]
    """Says what of each page is new."""
    cursor: int
    """Where the first page begins."""
    limit: int
    """How many items to ask for per page at first."""
    whole_page: int
    """The same once a short page was not enough."""

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """Return the beginning of a walk by a plan. If few items are wanted, its first pages are short."""
        start, limit = plan.start, plan.limit
        max_items = plan.max_items if plan.keep is None else None  # no short page is sure to be enough
        anchors = start.anchors or (() if start.cursor or start.skip else (BEGINNING,))
        if plan.on_drift == "ignore":
            # A server that counts pages means another place by the same cursor if the pages have another length.
            if max_items is not None and not start.cursor:
                limit = max(1, min(limit, max_items + start.skip))
            return cls(IgnoreDrift((*start.ahead, *anchors), skip=start.skip), start.cursor, limit, limit)
        # The first item of each page is the last item of the page before.
        whole_page = max(2, limit)
        if max_items is not None:
            limit = min(limit, max_items + 1)
        return cls(
            DetectDrift(
                anchors,
                start.ahead,
                limit=whole_page,
                resync=plan.on_drift == "resync",
                sort_key=plan.sort_key,
            ),
            max(0, start.cursor + start.skip - bool(start.anchors)),
            max(2, limit),
            whole_page,
        )
