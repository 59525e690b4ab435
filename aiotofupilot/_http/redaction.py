"""Finds the secrets of a session in what a server says, before an error or a log line keeps it."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, cast

from attrs import astuple, has

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aiotofupilot._wire.response import Response
    from aiotofupilot.errors import TofuPilotError

WITHHELD = "withheld, because the response repeats the key"
"""What an error says instead of its message."""

_RECOGNISABLE = 8
"""A secret with fewer characters is not looked for, because it might be a word of the API."""


class Redaction:
    """Finds the key, and the password of a proxy.

    A secret is found as it is, and in upper or lower case. It is found where some of its characters are escaped as in
    JSON, URLs, HTML, Python, cookies or e-mail, or by several of these in turn. It is found in UTF-16, hexadecimal and
    base64 too. Every repetition in the pattern is bounded, so no text makes the search slow. A secret of fewer than 8
    characters is not looked for.
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
        said: list[object] = [error.args, vars(error)]
        if response is not None:
            said += [response.body, response.headers]
        if any(map(self.finds, _texts(said))):
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


def _texts(value: object) -> Iterator[str | bytes]:
    """Yield every text in a value, at any depth, as it is: in a repr, some secrets would have another form."""
    if isinstance(value, str | bytes):
        yield value
        return
    if isinstance(value, Mapping):
        members: Iterable[object] = cast("Mapping[object, object]", value).items()
    elif isinstance(value, tuple | list):
        members = cast("Iterable[object]", value)
    elif has(value.__class__):
        members = astuple(cast("Any", value), recurse=False)
    else:
        members = (repr(value),)
    for member in members:
        yield from _texts(member)


def _withheld(value: object) -> object:
    """Return what takes the place of an attribute of an error. Numbers and the like stay."""
    if isinstance(value, str):
        return WITHHELD
    kind = type(value)
    return kind() if isinstance(value, bytes | tuple | list | Mapping) else value


def _pattern(secret: str) -> str:
    characters = "".join(rf"\x00{{0,3}}(?:{'|'.join(_forms(character))})" for character in secret)
    whole = [characters, *map(re.escape, _encodings(secret.encode()))]
    # Most places in a text are ruled out by their first character alone.
    beginnings = "".join(re.escape(form[0]) for form in (secret, *whole[1:]))
    return rf"(?=[\x00\\%&={beginnings}])(?:{'|'.join(whole)})"


def _forms(character: str) -> list[str]:
    code = ord(character)
    names = "|".join(map(re.escape, _html_names().get(character, ())))
    # The first character of an escape may itself be escaped as in a URL: yarl turns a backslash into %5C.
    percent = "%(?:25){0,4}"
    backslash, hash_sign, semicolon = rf"(?:\\|{percent}5c)", f"(?:#|{percent}23)", f"(?:;|{percent}3b)?"
    ampersand = rf"(?:&|{percent}26)(?:amp{semicolon}){{0,4}}"
    return [
        rf"{backslash}{{0,16}}{re.escape(character)}",
        rf"{backslash}{{1,16}}(?:u\{{?0{{0,6}}{code:x}\}}?|x{code:02x}|0?{code:o})",
        rf"{percent}{code:02x}",
        rf"={code:02x}",
        rf"{ampersand}(?:{hash_sign}(?:0{{0,6}}{code}|x0{{0,6}}{code:x}){f'|{names}' if names else ''}){semicolon}",
    ]


@cache
def _html_names() -> dict[str, list[str]]:
    from html.entities import html5  # noqa: PLC0415 - there are two thousand, and only errors need them

    names: dict[str, list[str]] = {}
    for name, character in html5.items():
        names.setdefault(character, []).append(name.rstrip(";"))
    return names


def _encodings(key: bytes) -> list[str]:
    """Return the hexadecimal digits of a key, and its base64 at every offset in an encoded text."""
    encodings = [key.hex()]
    for before in range(3):
        # Characters that depend on what stands before and after the key are left out.
        encoded = b64encode(bytes(before) + key).decode().rstrip("=")
        certain = encoded[-(-before * 8 // 6) : (before + len(key)) * 8 // 6]
        encodings += {certain, certain.replace("+", "-").replace("/", "_")}
    return encodings
