"""Moments and durations, spelled as the API spells them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["spell_date_time", "spell_duration", "spell_moment"]

_LATEST = datetime.max.replace(microsecond=999_000, tzinfo=UTC)


def spell_moment(moment: datetime) -> str:
    """Spell an aware moment as the API sends it: ISO 8601, UTC, ``Z``. No microsecond is lost.

    The API sends milliseconds. A moment with a fraction of a millisecond is spelled with microseconds.

    Args:
        moment: Timezone-aware. Outside of the years 1 to 9999 in UTC it keeps its own offset.
    """
    precision = "microseconds" if moment.microsecond % 1000 else "milliseconds"
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        return moment.isoformat(timespec=precision)
    return f"{moment.replace(tzinfo=None).isoformat(timespec=precision)}Z"


def spell_date_time(moment: datetime, *, round_up: bool = False) -> str:
    """Spell an aware moment as the API takes it in a query: ISO 8601, UTC, milliseconds, ``Z``.

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
