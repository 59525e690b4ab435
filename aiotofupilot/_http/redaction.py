"""Removes secrets that a server repeats, before they get into an error or a log line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiotofupilot._wire.response import Response
    from aiotofupilot.errors import TofuPilotError

WITHHELD = "withheld, because the response repeats the key"
"""Replaces the message of an error."""

_RECOGNISABLE = 8
"""Shorter secrets are not searched for, because they might be words of the API."""


class Redaction:
    """Finds the key, and the password of a proxy.

    Case does not matter, and characters may be escaped as in JSON or in a URL. Every repetition in the pattern is
    bounded, so no text makes the search slow.
    """

    def __init__(self, *secrets: str) -> None:
        self._secrets = [secret for secret in secrets if len(secret) >= _RECOGNISABLE]

    def finds(self, value: str | bytes) -> bool:
        if not self._secrets:
            return False
        return bool(self._in_text.search(value) if isinstance(value, str) else self._in_bytes.search(value))

    def clean(self, error: TofuPilotError, response: Response | None = None) -> None:
        """Remove everything that could hold a secret from an error.

        If the response or the error contains a secret, all texts of the error are withheld. The traceback is removed,
        because some tools show local variables. Chained errors are removed, because other libraries may quote the
        response. Only an `OSError` stays as the cause, because it cannot quote the response.
        """
        body, headers = (response.body, response.headers) if response is not None else (b"", None)
        if self.finds(body) or self.finds(repr((error.args, vars(error), headers))):
            error.args = (WITHHELD,)
            for name, value in vars(error).items():
                setattr(error, name, _withheld(value))
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else None
        if cause is not None:
            cause.__cause__ = cause.__context__ = cause.__traceback__ = None
        error.__context__ = error.__traceback__ = None
        error.__cause__ = cause

    @cached_property
    def _in_text(self) -> re.Pattern[str]:
        return re.compile("|".join(map(_pattern, self._secrets)), re.IGNORECASE)

    @cached_property
    def _in_bytes(self) -> re.Pattern[bytes]:
        return re.compile(self._in_text.pattern.encode(), re.IGNORECASE)


def _withheld(value: object) -> object:
    """Return the replacement for an attribute of an error. Numbers and other values without text stay."""
    if isinstance(value, str):
        return WITHHELD
    kind = type(value)
    return kind() if isinstance(value, bytes | tuple | list | Mapping) else value


def _pattern(secret: str) -> str:
    """Return a pattern of a secret, with each character plain or escaped as in JSON or a URL.

    Escapes may be nested: in JSON within JSON, in a repr, and in a URL, where a backslash is ``%5C``.
    """
    backslashes, percent = r"(?:\\|%5c){0,4}", "%(?:25){0,2}"
    return "".join(
        f"{backslashes}(?:{re.escape(character)}|u{ord(character):04x}|"
        f"{''.join(f'{percent}{byte:02x}' for byte in character.encode())})"
        for character in secret
    )
