"""Dates and durations, read and written as the API writes them.

msgspec reads the usual formats at a fifth of the cost of regular expressions. The functions here read the other
formats. msgspec is imported with the first text, so that the command's help does not wait for it.
"""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


def read_http_date(text: str) -> datetime | None:
    """Read a date of an HTTP header, or return None if the text is not a date."""
    try:
        timestamp = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # "-0000" means UTC, from an unknown time zone.
    return timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)


def read_date_time(text: str) -> datetime:
    """Read a timestamp: ISO 8601 with ``Z`` or an offset. Seconds and their fraction are optional.

    Digits after the microseconds are rounded.

    Raises:
        ValueError: The text is not a date-time, or it has no UTC offset.
    """
    import msgspec  # noqa: PLC0415 - see the module's docstring

    try:
        timestamp = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        timestamp = datetime.fromisoformat(text)  # reads more formats, such as a time without seconds
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

    A year counts as 365 days and a month as 30 days, as in pydantic. Refusing them would make the whole page
    unreadable. Digits after the microseconds are rounded.

    Each part may have a minus sign, as PostgreSQL writes durations: ``PT-5S``, ``P-1DT-2H``, ``PT1M-5S``.

    A sign before the ``P``, lower case, and fractions of days, hours or minutes are accepted, although the API does not
    write them. Refusing them would take a quarter of the time for decoding a page of runs.

    Raises:
        ValueError: The text is not a duration, or is too long for a timedelta.
    """
    import msgspec  # noqa: PLC0415 - see the module's docstring

    try:
        return msgspec.convert(text, timedelta)
    except msgspec.ValidationError:
        match = _DURATION.fullmatch(text)  # the pattern has weeks, months, years, signs of parts, and the comma
    if match is None:
        raise ValueError(f"expected an ISO 8601 duration, got {text!r}")
    parts = {name: float(number.replace(",", ".")) for name, number in match.groupdict(default="0").items()}
    days = parts.pop("years") * 365 + parts.pop("months") * 30 + parts.pop("days")
    try:
        return timedelta(days, **parts)
    except (OverflowError, ValueError) as error:
        raise ValueError(f"expected a duration of at most {timedelta.max.days} days, got {text!r}") from error


def format_timestamp(timestamp: datetime) -> str:
    """Format an aware timestamp as the API sends it: ISO 8601, UTC, ``Z``. Microseconds are kept.

    The API sends milliseconds. A timestamp with a fraction of a millisecond gets microseconds. A timestamp outside of
    the years 1 to 9999 in UTC keeps its offset.
    """
    precision = "microseconds" if timestamp.microsecond % 1000 else "milliseconds"
    try:
        timestamp = timestamp.astimezone(UTC)
    except OverflowError:
        return timestamp.isoformat(timespec=precision)
    return f"{timestamp.replace(tzinfo=None).isoformat(timespec=precision)}Z"


def format_date_time(timestamp: datetime, *, round_up: bool = False) -> str:
    """Format an aware timestamp for a query: like `format_timestamp`, but with milliseconds.

    A fraction of a millisecond is dropped, or rounded up.
    """
    with suppress(OverflowError):  # before adding, so that the sum crosses no change of the local time
        timestamp = timestamp.astimezone(UTC)
    written = timestamp.replace(microsecond=timestamp.microsecond // 1000 * 1000)
    if round_up and written != timestamp:
        with suppress(OverflowError):  # there is no later datetime
            written += timedelta(milliseconds=1)
    return format_timestamp(written)


def format_duration(duration: timedelta) -> str:
    """Format a duration as the API does: in hours, minutes and seconds, such as ``PT1M30.732S``.

    A negative duration gets a leading minus sign. The API has none.
    """
    sign, duration = ("-", -duration) if duration < timedelta() else ("", duration)
    minutes, seconds = divmod(duration, timedelta(minutes=1))
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}H" * bool(hours) + f"{minutes}M" * bool(minutes)
    if seconds or not text:
        text += f"{seconds.total_seconds():.6f}".rstrip("0").rstrip(".") + "S"
    return f"{sign}PT{text}"
