"""Hides the API key in what a server says, before an error or a log line keeps it."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from attrs import evolve, fields, has

from aiotofupilot.errors import BODY_EXCERPT, APIError, DecodeError

if TYPE_CHECKING:
    from aiotofupilot._wire.response import Response
    from aiotofupilot.errors import TofuPilotError

__all__ = ["Redaction"]

_MASK = "***"

_RECOGNISABLE = 8
"""A key with fewer characters is not looked for, because it might be a word of the API."""

_LONGEST_SPELLING = 128
"""The most bytes that a character of the key takes, in any of the spellings that are looked for."""


class Redaction:
    """Replaces the key by ``***``.

    The key is found as it is, and in upper or lower case. It is found where some of its characters are escaped as in
    JSON, URLs, HTML, Python, cookies or e-mail, or by several of these in turn. It is found in UTF-16, hexadecimal and
    base64 too. Every repetition in the pattern is bounded, so no text makes the search slow.

    Args:
        key: The key without ``Bearer``. A key of fewer than 8 characters is not looked for.
    """

    def __init__(self, key: str) -> None:
        self._key = key

    def text(self, said: str) -> str:
        """Return a text without the key."""
        return self._in_text.sub(_MASK, said)

    def excerpt(self, body: bytes, size: int = BODY_EXCERPT) -> bytes:
        """Return the beginning of a body without the key.

        Args:
            body: The bytes that the server sent, decompressed.
            size: How many bytes of the body to keep. A key that begins within these bytes is hidden as a whole.
        """
        kept: list[bytes] = []
        end = 0
        for found in self._in_bytes.finditer(body, 0, size + _LONGEST_SPELLING * len(self._key)):
            if found.start() >= size:
                break
            kept += [body[end : found.start()], _MASK.encode()]
            end = found.end()
        return b"".join([*kept, body[end:size]])

    def clean(self, error: TofuPilotError, response: Response | None = None) -> None:
        """Hide the key in everything that an error says, and remove the errors that it is chained to.

        Chained errors come from other libraries, and may quote the server in ways that cannot be searched for the key.
        An error of the operating system stays as the cause, because it knows nothing of the answer.

        Args:
            error: The error. If it keeps the beginning of an answer's body, this is taken from ``response`` again. The
                excerpt that it has could end in the middle of the key.
            response: The answer that the error is about; None: there was no answer.
        """
        error.args = self._value(error.args)
        for name, value in vars(error).items():
            setattr(error, name, self._value(value))
        if response is not None and isinstance(error, APIError | DecodeError):
            error.body = self.excerpt(response.body)
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else None
        if cause is not None:
            cause.__cause__ = cause.__context__ = None
        error.__context__ = None
        error.__cause__ = cause

    def _value(self, value: Any) -> Any:  # noqa: ANN401 - an error's attributes are of any type
        """Return a value without the key, in all of its parts."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes):
            return self.excerpt(value, len(value))
        if isinstance(value, Mapping):
            mapping = cast("Any", value)  # a dict, or the headers of an answer, in which names may repeat
            return type(mapping)([(self._value(name), self._value(member)) for name, member in mapping.items()])
        if isinstance(value, tuple | list):
            members = [self._value(member) for member in cast("Any", value)]
            return members if isinstance(value, list) else tuple(members)
        if has(kind := value.__class__):
            return evolve(value, **{field.name: self._value(getattr(value, field.name)) for field in fields(kind)})
        return value

    @cached_property
    def _in_text(self) -> re.Pattern[str]:
        return re.compile(self._pattern, re.IGNORECASE)

    @cached_property
    def _in_bytes(self) -> re.Pattern[bytes]:
        return re.compile(self._pattern.encode(), re.IGNORECASE)

    @cached_property
    def _pattern(self) -> str:
        if len(self._key) < _RECOGNISABLE:
            return r"(?!)"  # matches nothing
        characters = "".join(rf"\x00{{0,3}}(?:{'|'.join(_spellings(character))})" for character in self._key)
        whole = [characters, *map(re.escape, _encodings(self._key.encode()))]
        # Most places in a text are ruled out by their first character alone.
        beginnings = "".join(re.escape(spelled[0]) for spelled in (self._key, *whole[1:]))
        return rf"(?=[\x00\\%&={beginnings}])(?:{'|'.join(whole)})"


def _spellings(character: str) -> list[str]:
    """Return patterns of every way to write one character of a key."""
    from html.entities import html5  # noqa: PLC0415 - it has two thousand names, and only errors need them

    code = ord(character)
    names = "|".join(re.escape(name.rstrip(";")) for name, value in html5.items() if value == character)
    # The first character of an escape may itself be escaped as in a URL: yarl turns a backslash into %5C.
    percent = "%(?:25){0,4}"
    backslash, hash_sign, semicolon = rf"(?:\\|{percent}5c)", f"(?:#|{percent}23)", f"(?:;|{percent}3b)?"
    ampersand = rf"(?:&|{percent}26)(?:amp{semicolon}){{0,4}}"
    return [
        rf"{backslash}{{0,8}}{re.escape(character)}",
        rf"{backslash}{{1,8}}(?:u\{{?0{{0,6}}{code:x}\}}?|x{code:02x}|0?{code:o})",
        rf"{percent}{code:02x}",
        rf"={code:02x}",
        rf"{ampersand}(?:{hash_sign}(?:0{{0,6}}{code}|x0{{0,6}}{code:x}){f'|{names}' if names else ''}){semicolon}",
    ]


def _encodings(key: bytes) -> list[str]:
    """Return the hexadecimal digits of a key, and its base64 at every offset in an encoded text."""
    encodings = [key.hex()]
    for before in range(3):
        # Characters that depend on the neighbours of the key are left out.
        encoded = b64encode(bytes(before) + key).decode().rstrip("=")
        certain = encoded[-(-before * 8 // 6) : (before + len(key)) * 8 // 6]
        encodings += {certain, certain.replace("+", "-").replace("/", "_")}
    return encodings
