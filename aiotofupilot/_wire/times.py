"""Dates and durations, read and written as the API writes them.

msgspec reads the usual formats, because its parsers cost a fifth of what Python's regular expressions cost. The
functions here read the formats that msgspec does not know. msgspec is imported when the first text is read, so that
the command's help does not wait for it.
"""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


def read_http_date(text: str) -> datetime | None:
    """Read a date of an HTTP header; None: the text is not a date."""
    try:
        timestamp = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # "-0000" means UTC, from an unknown time zone.
    return timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)


def read_date_time(text: str) -> datetime:
    """Read a timestamp: ISO 8601 with ``Z`` or an offset. The seconds and their fraction may be missing.

    Digits after the microseconds are rounded.

    Raises:
        ValueError: The text is not a date-time, or it has no UTC offset.
    """
    import msgspec  # noqa: PLC0415 - see the module's docstring

    try:
        timestamp = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        timestamp = datetime.fromisoformat(text)  # knows more formats, such as one without seconds
    if timestamp.tzinfo is None:
        raise ValueError(f"expected a date-time with a UTC offset, got {text!r}")
    return timestamp


_DURATION = re.compile(
    r"P(?:(?P<weeks>-?\d+)W|(?=-?\d|T-?\d)(?:(?P<years>-?\d+)Y)?(?:(?P<months>-?\d+)M)?(?:(?P<days>-?\d+)D)?"
    r"(?:T(?=-?\d)(?:(?P<hours>-?\d+)H)?(?:(?P<minutes>-?\d+)M)?(?:(?P<seconds>-?\d+(?:[.,]\d+)?)S)?)?)",
    re.ASCII,
)


def read_duration(text: str) -> timedelta:
    """Read a duration: ISO 8601, ``P(nW | nYnMnDTnHnMnS)``, with a fraction of the seconds after ``.`` or ``,``.

    Neither a year nor a month has a fixed length. A year counts as 365 days and a month as 30 days, as in pydantic.
    Such a duration is not refused, because then the whole page could not be read. Digits after the microseconds are
    rounded.

    Each part may have a minus sign, as PostgreSQL writes durations: ``PT-5S``, ``P-1DT-2H``, ``PT1M-5S``.

    A sign in front of the ``P``, small letters, and fractions of days, hours or minutes are read too, although the API
    does not write them. To refuse them would take a quarter of the time of decoding a page of runs.

    Raises:
        ValueError: The text is not a duration, or the duration is longer than a timedelta can be.
    """
    import msgspec  # noqa: PLC0415 - see the module's docstring

    try:
        return msgspec.convert(text, timedelta)
    except msgspec.ValidationError:
        match = _DURATION.fullmatch(text)  # knows weeks, months, years, signs of parts, and the comma
    if match is None:
        raise ValueError(f"expected an ISO 8601 duration, got {text!r}")
    parts = {name: float(number.replace(",", ".")) for name, number in match.groupdict(default="0").items()}
    days = parts.pop("years") * 365 + parts.pop("months") * 30 + parts.pop("days")
    try:
        return timedelta(days, **parts)
    except (OverflowError, ValueError) as error:
        raise ValueError(f"expected a duration of at most {timedelta.max.days} days, got {text!r}") from error


def format_timestamp(timestamp: datetime) -> str:
    """Format an aware timestamp as the API sends it: ISO 8601, UTC, ``Z``. No microsecond is lost.

    The API sends milliseconds. A timestamp with a fraction of a millisecond is written with microseconds. One outside
    of the years 1 to 9999 in UTC keeps its own offset.
    """
    precision = "microseconds" if timestamp.microsecond % 1000 else "milliseconds"
    try:
        timestamp = timestamp.astimezone(UTC)
    except OverflowError:
        return timestamp.isoformat(timespec=precision)
    return f"{timestamp.replace(tzinfo=None).isoformat(timespec=precision)}Z"


def format_date_time(timestamp: datetime, *, round_up: bool = False) -> str:
    """Format an aware timestamp as the API takes it in a query: like `format_timestamp`, but with milliseconds.

    A fraction of a millisecond is dropped, or else rounded up.
    """
    with suppress(OverflowError):  # before the sum, which crosses no change of the local time then
        timestamp = timestamp.astimezone(UTC)
    written = timestamp.replace(microsecond=timestamp.microsecond // 1000 * 1000)
    if round_up and written != timestamp:
        with suppress(OverflowError):  # there is no later one
            written += timedelta(milliseconds=1)
    return format_timestamp(written)


def format_duration(duration: timedelta) -> str:
    """Format a duration as the API does: ISO 8601 in hours, minutes and seconds, such as ``PT1M30.732S``.

    A negative duration has a minus sign in front. The API has no such durations.
    """
    sign, duration = ("-", -duration) if duration < timedelta() else ("", duration)
    minutes, seconds = divmod(duration, timedelta(minutes=1))
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}H" * bool(hours) + f"{minutes}M" * bool(minutes)
    if seconds or not text:
        text += f"{seconds.total_seconds():.6f}".rstrip("0").rstrip(".") + "S"
    return f"{sign}PT{text}"
