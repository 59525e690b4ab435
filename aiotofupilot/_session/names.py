"""Names of files and folders, made of what servers and people have written. They work on every system."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiotofupilot.models import Attachment

_FORBIDDEN = frozenset('/\\:*?"<>|')

_ID_BYTES = 120
_NAME_BYTES = 240
"""File systems take 255 bytes, and a part has some more than the file."""
_SUFFIX_BYTES = 20

_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)", re.IGNORECASE)
"""What Windows takes for a device, whatever follows after a dot."""


def relative_path(attachment: Attachment) -> str:
    """Return where the file of an attachment lies in a folder: ``<id of the owner>/<id>-<name>``.

    Without an owner it lies in the folder itself.
    """
    identity = _identity(attachment.id)
    name = _name(attachment.name, _NAME_BYTES - len(f"{identity}-".encode()))
    file = f"{identity}-{name}" if name else identity
    return file if attachment.owner is None else f"{_identity(attachment.owner[1])}/{file}"


def _identity(text: str) -> str:
    """Return an ID as a name. Two IDs never have the same name.

    What a name cannot hold is written as in a URL, and so is the percent sign. An ID that is too long ends with a
    digest, after a mark that is no such escape.
    """
    name = "".join(character if _is_good(character) and character != "%" else _escaped(character) for character in text)
    if name[:1] in {".", " "} or _DEVICE.match(name):
        name = _escaped(name[0]) + name[1:]
    if name[-1:] in {".", " "}:
        name = name[:-1] + _escaped(name[-1])
    if len(name.encode()) > _ID_BYTES:
        digest = sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
        name = f"{_cut(name, _ID_BYTES - 34)}%~{digest}"
    return name or "%~"


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode(errors="surrogatepass"))


def _name(text: str, length: int) -> str:
    """Return the name of an attachment as the end of the name of a file, with at most so many bytes."""
    name = "".join(character if _is_good(character) else "_" for character in text).strip(". ")
    if len(name.encode()) > length:
        stem, dot, suffix = name.rpartition(".")
        if not (stem and len(suffix.encode()) <= _SUFFIX_BYTES):
            stem, dot, suffix = name, "", ""
        name = f"{_cut(stem, length - len(f'{dot}{suffix}'.encode()))}{dot}{suffix}".rstrip(". ")
    return name


def _is_good(character: str) -> bool:
    """Return whether the name of a file may hold a character. Control characters and marks are not printable."""
    return character not in _FORBIDDEN and character.isprintable()


def _cut(text: str, length: int) -> str:
    """Return the beginning of a text, with at most so many bytes."""
    return text.encode()[:length].decode(errors="ignore")
