"""Reads lists of names with parameters, which are one form of HTTP's structured header fields.

Source: https://www.rfc-editor.org/rfc/rfc9651
"""

from __future__ import annotations

import re

__all__ = ["Parameters", "members"]

Parameters = dict[str, int | float | str | bool]
"""Parameters by name. A string or a token is a str. A byte sequence is a str too: base64 between colons."""

_STRING = r'"(?:[ !#-\[\]-~]|\\["\\])*"'
_WORD = r"[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*"
_NUMBER = r"-?(?:\d{1,12}\.\d{1,3}|\d{1,15})"
_BYTES = r":[A-Za-z0-9+/=]*:"
_KEY = r"[a-z*][a-z0-9_.*-]*"
_VALUE = rf"{_STRING}|{_WORD}|{_NUMBER}|{_BYTES}|\?[01]"

_MEMBER = re.compile(rf"({_STRING}|{_WORD})((?:; *{_KEY}(?:=(?:{_VALUE}))?)*)", re.ASCII)
_PARAMETER = re.compile(rf"; *({_KEY})(?:=({_VALUE}))?", re.ASCII)
_COMMA = re.compile(r"[ \t]*,[ \t]*")
_ESCAPE = re.compile(r"\\(.)")


def members(field: str) -> list[tuple[str, Parameters]] | None:
    """Return the members of a list. Each is a string or a token, with its parameters.

    Returns:
        The members in order; None: the field is malformed, or empty, or has a member of another kind. The whole field
        is to be ignored then.
    """
    field = field.strip(" ")
    found: list[tuple[str, Parameters]] = []
    at = 0
    while member := _MEMBER.match(field, at):
        name, parameters = member.groups()
        found.append((_text(name), {key: _value(value) for key, value in _PARAMETER.findall(parameters)}))
        if member.end() == len(field):
            return found
        comma = _COMMA.match(field, member.end())
        if comma is None:
            break
        at = comma.end()
    return None


def _text(spelled: str) -> str:
    return _ESCAPE.sub(r"\1", spelled[1:-1]) if spelled.startswith('"') else spelled


def _value(spelled: str) -> int | float | str | bool:
    if spelled in ("", "?1"):  # a parameter without a value is true
        return True
    if spelled == "?0":
        return False
    if spelled[0] in "-0123456789":
        return float(spelled) if "." in spelled else int(spelled)
    return _text(spelled)
