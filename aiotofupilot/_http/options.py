"""The options that a view on a session can change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from aiotofupilot._arguments import integer, seconds

from .retry import checked_retry

if TYPE_CHECKING:
    from .retry import Retry

__all__ = ["Options"]


def _timeout(value: object) -> float | None:
    return None if value is None else seconds("timeout", value, zero=False)


def _concurrency(value: object) -> int:
    return integer("concurrency", value, low=1)


@frozen(kw_only=True)
class Options:
    """The options of a session or a view.

    Raises:
        TypeError: An option is of the wrong type.
        ValueError: An option is out of bounds.
    """

    timeout: float | None = field(converter=_timeout)
    """Seconds for one attempt; more than 0. None: no limit."""
    retry: Retry = field(converter=checked_retry)
    """Which failures are worth another attempt, and when it is made."""
    concurrency: int = field(converter=_concurrency)
    """How many pages may be in flight, if a listing does not set its own number; 1 or more."""
