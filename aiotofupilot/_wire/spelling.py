"""Turns values into the API's spelling. Nothing here parses, so a program that sends no request loads no parser."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

__all__ = ["spell_date_time", "spell_duration", "to_wire"]

_LATEST = datetime.max.replace(microsecond=999_000, tzinfo=UTC)


def to_wire(item: object) -> dict[str, Any]:
    """Return an item in the API's spelling: its keys and order, and dates in UTC with milliseconds and ``Z``.

    Args:
        item: A model, such as a `Run`, or a part of one, such as a `RunUnit`.
    """
    from .converters import wire_converter  # noqa: PLC0415 - see the module's docstring

    return cast("dict[str, Any]", wire_converter().unstructure(item))


def spell_date_time(moment: datetime, *, round_up: bool = False) -> str:
    """Spell an aware moment as the API takes it: ISO 8601, UTC, milliseconds, ``Z``.

    A moment that lies outside of the years 1 to 9999 in UTC keeps its own offset.

    Args:
        moment: Timezone-aware.
        round_up: Whether a fraction of a millisecond is rounded up. Otherwise it is dropped.
    """
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        return moment.isoformat(timespec="milliseconds")
    if round_up:
        moment = min(moment, _LATEST)
        moment += timedelta(microseconds=-moment.microsecond % 1000)
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def spell_duration(duration: timedelta) -> str:
    """Spell a duration as the API does: ISO 8601 in hours, minutes and seconds, such as ``PT1M30.732S``.

    A negative duration has a minus sign in front. The API has no such durations.
    """
    sign, duration = ("-", -duration) if duration < timedelta() else ("", duration)
    seconds, fraction = divmod(duration // timedelta(microseconds=1), 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    spelled = f"{hours}H" * bool(hours) + f"{minutes}M" * bool(minutes)
    if fraction:
        spelled += f"{seconds}.{fraction:06}".rstrip("0") + "S"
    elif seconds or not spelled:
        spelled += f"{seconds}S"
    return f"{sign}PT{spelled}"
