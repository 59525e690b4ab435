"""What an answer says of the requests that are left, before there are none.

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
    """How many more requests somebody between here and the server, or the server, will take."""

    remaining: int
    """Requests; 0 or more."""
    resets_in: int | None
    """Seconds until there are more; None: that is not said."""


def quotas(headers: Mapping[str, str]) -> tuple[Quota, ...]:
    """Return the quotas that an answer tells of. A malformed header tells of none.

    The current draft has ``RateLimit: "name";r=0;t=12``, with one member for each quota. A ``RateLimit-Policy`` beside
    it may say that a quota is not about the number of requests, such as one of bytes, which is left out. Drafts before
    the seventh had ``RateLimit-Remaining`` and ``RateLimit-Reset``, which many proxies still send.

    Args:
        headers: Those of an answer. Names compare without regard to case.
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
    """Return a field as a whole: one proxy after the other may have added a line to it."""
    return ", ".join(value for key, value in headers.items() if key.lower() == name.lower())


def _count(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _integer(field: str) -> int | None:
    text = field.strip()
    return int(text) if _INTEGER.fullmatch(text) else None
