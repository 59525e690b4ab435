"""What people type for an option, as converters for cyclopts, which explains their ValueErrors."""

from __future__ import annotations

import json
import math
import re
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, cast

from aiotofupilot import Checkpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cyclopts import Token


def timestamp(_: object, tokens: Sequence[Token]) -> datetime:
    """Read a timestamp as `read_timestamp` does, by this machine's clock."""
    return read_timestamp(tokens[0].value, datetime.now(UTC))


def read_timestamp(text: str, now: datetime) -> datetime:
    """Read a date or date-time in ISO 8601; ``now``, ``today`` or ``yesterday``; or an age, such as 7d or 1d12h.

    Without an offset from UTC a date-time is this machine's local time, as with git, journalctl and docker. A date
    stands for its midnight, also today and yesterday.
    """
    try:
        match text.lower():
            case "now":
                return now
            case "today" | "yesterday" as word:
                today = now.astimezone().date()
                day = today - timedelta(days=1) if word == "yesterday" else today
                return datetime.combine(day, time()).astimezone()
            case _ if (age := _timedelta(text)) is not None:
                return now - age
            case _:
                return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise ValueError(
            f'"{text}" is not a date: write 2024-01-31, 2024-01-31T09:30, 2024-01-31T09:30Z or 2024-01-31T09:30+02:00; '
            "or today, yesterday, now, or an age such as 7d, 12h or 30m."
        ) from None


def checkpoint(_: object, tokens: Sequence[Token]) -> Checkpoint:
    """Read a checkpoint, or a position, which is one too."""
    text = tokens[0].value
    try:
        return Checkpoint.parse(text)
    except ValueError:
        raise ValueError(f'"{text}" is not a cursor: write 0 or more, or what an earlier run printed.') from None


def seconds(_: object, tokens: Sequence[Token]) -> float:
    """Read a number of seconds, more than 0 and finite."""
    text = tokens[0].value
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0.0 < number < math.inf:
        raise ValueError(f'"{text}" is not a number of seconds: write more than 0, such as 0.5 or 60.')
    return number


_DURATION = re.compile(
    r"(P)?(?:(\d+)W)?(?:(\d+)D)?(?(1)(?:T(?=\d)|$))(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?",
    re.ASCII | re.IGNORECASE,
)
"""A duration in ISO 8601, or without the P and the T. With the P, an M before the T would be a month."""


def duration(_: object, tokens: Sequence[Token]) -> timedelta:
    """Read a duration such as 90s, 1m30s, 2h or PT1M30S."""
    text = tokens[0].value
    try:
        read = _timedelta(text)
    except OverflowError:
        raise ValueError(f'"{text}" is too long: write at most {timedelta.max.days}d.') from None
    if read is None:
        raise ValueError(f'"{text}" is not a duration: write 90s, 1m30s, 2h or PT1M30S.')
    return read


def _timedelta(text: str) -> timedelta | None:
    """Return a duration. None: the text is not one."""
    match = _DURATION.fullmatch(text)
    _, *parts = match.groups() if match else ("",)
    if not any(parts):
        return None
    weeks, days, hours, minutes, seconds = (float((part or "0").replace(",", ".")) for part in parts)
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def metadata(_: object, tokens: Sequence[Token]) -> dict[str, Any]:
    """Read the conditions on metadata: KEY=TEXT, as often as it is given, and at most one JSON object.

    A key that is given several times may have any of the texts.
    """
    texts: dict[str, list[str]] = {}
    conditions: dict[str, Any] = {}
    for token in tokens:
        key, equals, text = token.value.partition("=")
        if equals and key and not key.lstrip().startswith("{"):
            texts.setdefault(key, []).append(text)
        elif conditions:
            raise ValueError("give --metadata one JSON object, with the conditions on all keys.")
        else:
            document: Any = None
            with suppress(ValueError, RecursionError):  # the latter: it is nested too deeply
                document = json.loads(token.value)
            if not isinstance(document, dict):
                raise ValueError(
                    f'"{token.value}" is not a metadata filter: write KEY=TEXT, or {{"KEY": {{"gte": 5}}}} as JSON.'
                )
            conditions = cast("dict[str, Any]", document)
    if both := sorted(texts.keys() & conditions):
        raise ValueError(f'"{both[0]}" is given to --metadata both as KEY=TEXT and in JSON: write both in JSON.')
    return conditions | {key: {"in": any_of} for key, any_of in texts.items()}
