"""Downloads an attachment into a file whose name works on every system."""

import asyncio
import os
import re
from contextlib import ExitStack
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, cast
from weakref import WeakValueDictionary

from attrs import evolve

from aiotofupilot._checks import must_be
from aiotofupilot._http.client import Connection
from aiotofupilot._part import Part
from aiotofupilot._secret import Secret
from aiotofupilot.errors import APIError, AttachmentError
from aiotofupilot.listings import listing_class
from aiotofupilot.models import Attachment, RunDetails, UnitDetails

from .storage import in_thread, receive

_REFUSALS = frozenset({400, 401, 403, 404, 410})
"""Statuses with which storages refuse an expired address."""

_locks: WeakValueDictionary[tuple[int, Path], asyncio.Lock] = WeakValueDictionary()
"""The locks of files that are being downloaded, by event loop and path."""


async def download(connection: Connection, attachment: object, folder: object) -> Path:
    """Download one attachment; see `TofuPilotSession.download`."""
    found = _checked(attachment)
    path = _folder(folder) / relative_path(found)

    async def work() -> None:
        async with _locks.setdefault((id(asyncio.get_running_loop()), path.absolute()), asyncio.Lock()):
            with ExitStack() as files:
                part = await in_thread(partial(_begun, path, files))
                if part is not None:
                    await _receive(connection, found, part)
                    await in_thread(part.place)

    await connection.lifetime.run(work)
    return path


def _begun(path: Path, files: ExitStack) -> Part | None:
    """Open the part of a file, which is closed when ``files`` is left. Return None if the file is complete already.

    Raises:
        AttachmentError: Another process, or another event loop of this one, is downloading the file.
    """
    if path.is_file():
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    part = Part.of(path)
    if part is None:
        raise AttachmentError(f"another process is downloading {path}")
    files.callback(part.remove)
    if path.is_file():  # another process has completed it meanwhile
        return None
    part.truncate(0)
    return part


async def _receive(connection: Connection, attachment: Attachment, part: Part) -> None:
    """Receive the whole file. If the storage refuses the address, try a new one once."""
    is_renewed = attachment.download_url is None
    if is_renewed:
        attachment = await _renewed(connection, attachment)
    while True:
        try:
            address, name = Secret(attachment.download_url), f"attachment {attachment.id!r}"
            return await receive(connection, address, part, name, attachment.size)
        except APIError as error:
            if is_renewed or error.status not in _REFUSALS:
                raise
            if attachment.owner is None:
                error.hint = "if the address has expired, read the run or unit again"
                raise
        attachment, is_renewed = await _renewed(connection, attachment), True


async def _renewed(connection: Connection, attachment: Attachment) -> Attachment:
    listing, key = attachment.owner or ("", "")
    name, whose = f"attachment {attachment.id!r}", f"{listing.removesuffix('s')} {key!r}"
    source: Any = listing_class(listing)(connection)
    owner: RunDetails | UnitDetails = await source.get(key)
    found = next((one for one in owner.attachments if one.id == attachment.id), None)
    if found is None:
        raise AttachmentError(f"{whose} has no {name} any more")
    if found.download_url is None:
        failure = AttachmentError(f"the server has no address for {name} of {whose}")
        failure.hint = "perhaps its upload has not ended"
        raise failure
    return evolve(attachment, download_url=found.download_url, size=found.size)


def _checked(attachment: object) -> Attachment:
    if not isinstance(attachment, Attachment):
        raise must_be(TypeError, "attachment", "an Attachment, from the details of a run or a unit", attachment)
    owner = attachment.owner
    if owner is None and attachment.download_url is None:
        bound = "one with an address or an owner, such as from the details of a run or a unit"
        raise must_be(ValueError, "attachment", bound, attachment)
    if owner is not None and owner[0] not in {"runs", "units"}:
        raise must_be(ValueError, "attachment.owner", '("runs", id) or ("units", serial_number)', owner)
    return attachment


def _folder(folder: object) -> Path:
    if not isinstance(folder, str | os.PathLike):
        raise must_be(TypeError, "folder", "a string or a path", folder)
    return Path(cast("str | os.PathLike[str]", folder))


_FORBIDDEN = frozenset('/\\:*?"<>|')

_ID_BYTES = 120
_NAME_BYTES = 240
"""The most bytes of a file name. File systems allow 255, and the name of a part is longer than that of its file."""

_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)", re.IGNORECASE)
"""The names that mean a device on Windows, even with an ending."""


def relative_path(attachment: Attachment) -> str:
    """Return the path of an attachment in a folder: ``<id of the owner>/<id>-<name>``, or only the last part."""
    identity = _identity(attachment.id)
    name = _cleaned(attachment.name)
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - it is a name, and not a path
    most = _NAME_BYTES - len(f"{identity}-".encode())
    if len(name.encode()) > most:
        name = (
            _cut(stem, most - len(suffix.encode())) + suffix if len(suffix) < len(stem) else _cut(name, most)
        ).rstrip(". ")
    file = f"{identity}-{name}" if name else identity
    return file if attachment.owner is None else f"{_identity(attachment.owner[1])}/{file}"


def _identity(text: str) -> str:
    """Return an ID as a file name. Two IDs never get the same name.

    An ID that has a tilde, or is not a valid name on every system, is changed, and gets a digest after a tilde.
    """
    name = _cut(_cleaned(text).replace("~", "_"), _ID_BYTES - 34)
    if text and text == name and not _DEVICE.match(name):
        return text
    return f"_{name}~{sha256(text.encode(errors='surrogatepass')).hexdigest()[:32]}"


def _cleaned(text: str) -> str:
    """Replace the characters that a file name may not have, control characters and marks included."""
    return "".join("_" if one in _FORBIDDEN or not one.isprintable() else one for one in text).strip(". ")


def _cut(text: str, length: int) -> str:
    """Return the beginning of a text, in at most ``length`` bytes."""
    return text.encode()[:length].decode(errors="ignore")
