"""Reads from the headers of an answer how many requests are left.

Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import frozen

from .structured import members

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Quota", "quotas"]

_INTEGER = re.compile(r"\d{1,15}", re.ASCII)


@frozen
class Quota:
    """How many more requests the server, or a proxy before it, will take."""

    remaining: int
    """The number of requests; 0 or more."""
    resets_in: int | None
    """Seconds until there are more; None: the answer does not say."""


def quotas(headers: Mapping[str, str]) -> tuple[Quota, ...]:
    """Return the quotas that the headers of an answer name. A malformed header names none.

    The current draft has ``RateLimit: "name";r=0;t=12``, with one member for each quota. The header
    ``RateLimit-Policy`` may say that a quota counts something else than requests, such as bytes. Such a quota is left
    out. Drafts before the seventh had ``RateLimit-Remaining`` and ``RateLimit-Reset``, and many proxies still send
    these.

    Args:
        headers: The headers of an answer. Upper and lower case do not matter in their names.
    """
    if "RateLimit" in headers:
        policies = dict(members(_lines(headers, "RateLimit-Policy")) or ())
        return tuple(
            Quota(remaining, _count(parameters.get("t")))
            for name, parameters in members(_lines(headers, "RateLimit")) or ()
            if (remaining := _count(parameters.get("r"))) is not None
            and policies.get(name, {}).get("qu", "requests") == "requests"
        )
    if "RateLimit-Remaining" in headers:
        remaining = _integer(headers["RateLimit-Remaining"])
        return () if remaining is None else (Quota(remaining, _integer(headers.get("RateLimit-Reset", ""))),)
    return ()


def _lines(headers: Mapping[str, str], name: str) -> str:
    """Return all lines of a field as one. Each proxy on the way may have added a line."""
    return ", ".join(value for key, value in headers.items() if key.lower() == name.lower())


def _count(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _integer(field: str) -> int | None:
    text = field.strip()
    return int(text) if _INTEGER.fullmatch(text) else None
