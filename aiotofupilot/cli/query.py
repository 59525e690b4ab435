"""The query of a listing, as the command line gives it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from aiotofupilot import Checkpoint

from .columns import columns_of
from .failures import UsageError
from .filter_options import option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiotofupilot import Paginator, TofuPilotSession, WalkStats

    from .output.journal import Header, Mark

__all__ = ["Query"]

_SHOWN = 10
"""At most this many positions of items that were left out are named."""


@frozen(kw_only=True)
class Query:
    """What to list, and how to ask for it, in the library's words."""

    name: str
    """The listing."""
    filters: Mapping[str, Any] = field(factory=dict[str, Any])
    """Arguments of ``list()`` that are the listing's own; None: not given."""
    max_items: int | None = None
    cursor: Checkpoint | None = None
    on_drift: str = "ignore"
    limit: int | None = None
    """None: the library's default, or the listing has no pages. Likewise for the two below."""
    concurrency: int | None = None
    on_unreadable: str | None = None

    def listing(self, session: TofuPilotSession, after: Mark | None = None) -> Paginator[Any]:
        """Return the listing, or what of it is after a mark. It is not asked for yet.

        Raises:
            UsageError: An option is out of bounds.
        """
        cursor, max_items = self.cursor, self.max_items
        if after and after.checkpoint:
            cursor = Checkpoint.parse(after.checkpoint)
            max_items = None if max_items is None else max_items - after.items
        pages = {"limit": self.limit, "concurrency": self.concurrency, "on_unreadable": self.on_unreadable}
        try:
            paginator: Paginator[Any] = getattr(session, self.name).list(
                **self.filters,
                max_items=max_items,
                cursor=cursor,
                on_drift=self.on_drift,
                **{name: value for name, value in pages.items() if value is not None},
            )
        except (TypeError, ValueError) as error:
            parameter = getattr(error, "parameter", None)
            if parameter is None:
                raise
            raise UsageError(f"wrong {option(parameter)}: {error}") from error
        return paginator

    def header(self) -> Header:
        """Return the options that decide what is listed."""
        return {
            "listing": self.name,
            **{option(name): _spelled(value) for name, value in self.filters.items()},
            "--max-items": self.max_items,
            "--cursor": str(self.cursor) if self.cursor else None,
        }

    def counted(self, items: int) -> str:
        """Return a number of items in words."""
        return f"{items:,} {columns_of(self.name).singular if items == 1 else self.name}"

    def left_out(self, stats: WalkStats) -> str:
        """Return in words which items a walk left out; empty: none."""
        count = stats.unreadable
        if not count:
            return ""
        shown = ", ".join(map(str, stats.unreadable_positions[:_SHOWN]))
        more = f" and {count - _SHOWN:,} more" if count > _SHOWN else ""
        places = f"position {shown}" if count == 1 else f"positions {shown}{more}"
        return f"{self.counted(count)} could not be read and {'is' if count == 1 else 'are'} left out, at {places}"


def _spelled(value: object) -> str | int | None:
    """Return a filter's value as a journal keeps it."""
    match value:
        case None | int() | str():
            return value
        case datetime():
            return value.astimezone(UTC).isoformat()
        case timedelta():
            return f"{value.total_seconds()} s"
        case _:
            return repr(value)
