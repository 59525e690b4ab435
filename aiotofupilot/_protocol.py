"""The API's words, without I/O: how a query is spelled, and where the next page begins.

Source: https://www.tofupilot.com/docs/api
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .models import Page

__all__ = ["date_time", "following", "request_target"]


_LATEST = datetime.max.replace(microsecond=999_000, tzinfo=UTC)


def date_time(moment: datetime, *, round_up: bool = False) -> str:
    """Spell an aware moment as the API takes it: ISO 8601, UTC, milliseconds, ``Z``.

    Args:
        moment: Timezone-aware.
        round_up: Whether a fraction of a millisecond counts as a whole one; it is dropped otherwise.
    """
    moment = moment.astimezone(UTC)
    if round_up:
        moment = min(moment, _LATEST)
        moment += timedelta(microseconds=-moment.microsecond % 1000)
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def request_target(path: str, parameters: Mapping[str, str | int]) -> str:
    """Return a path and its query, percent-encoded."""
    return f"{path}?{urlencode(parameters, quote_via=quote)}"


def following(page: Page[Any]) -> int | None:
    """Return where the server says that the next page begins; None: the listing ends with this one."""
    return page.meta.next_cursor if page.meta.has_more else None
