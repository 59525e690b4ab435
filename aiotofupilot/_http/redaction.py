"""Finds the secrets of a session in what a server says, before an error or a log line keeps it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiotofupilot._wire.response import Response
    from aiotofupilot.errors import TofuPilotError

WITHHELD = "withheld, because the response repeats the key"
"""What an error says instead of its message."""

_RECOGNISABLE = 8
"""A secret with fewer characters is not looked for, because it might be a word of the API."""


class Redaction:
    """Finds the key, and the password of a proxy.

    A secret is found in upper or lower case, and where some of its characters are escaped as in JSON or in a URL. Every
    repetition in the pattern is bounded, so no text makes the search slow. A secret of fewer than 8 characters is not
    looked for.
    """

    def __init__(self, *secrets: str) -> None:
        self._secrets = [secret for secret in secrets if len(secret) >= _RECOGNISABLE]

    def finds(self, value: str | bytes) -> bool:
        if not self._secrets:
            return False
        return bool(self._in_text.search(value) if isinstance(value, str) else self._in_bytes.search(value))

    def clean(self, error: TofuPilotError, response: Response | None = None) -> None:
        """Leave nothing in an error that could hold a secret.

        If the response or the error has a secret anywhere, the message, the body, the headers and all other texts are
        withheld as a whole. The frames that saw the response are removed from the traceback, because some tools show
        their local variables. So are the errors that the error is chained to: they come from other libraries, and may
        quote a piece of the response. An error of the operating system stays as the cause, because it knows nothing of
        the response.
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
    """Return what takes the place of an attribute of an error. Numbers and the like stay."""
    if isinstance(value, str):
        return WITHHELD
    kind = type(value)
    return kind() if isinstance(value, bytes | tuple | list | Mapping) else value


def _pattern(secret: str) -> str:
    """Return a pattern of a secret, each character of which is as it is, or escaped as in JSON or in a URL.

    An escape may be escaped itself, in JSON within JSON or in a repr, and in a URL, where a backslash is ``%5C``.
    """
    backslashes, percent = r"(?:\\|%5c){0,4}", "%(?:25){0,2}"
    return "".join(
        f"{backslashes}(?:{re.escape(character)}|u{ord(character):04x}|"
        f"{''.join(f'{percent}{byte:02x}' for byte in character.encode())})"
        for character in secret
    )
