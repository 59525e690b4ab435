"""The file that TofuPilot's own command writes into the home directory at login."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, cast

from attrs import field, frozen

from aiotofupilot.errors import ConfigurationError

if TYPE_CHECKING:
    from ssl import SSLContext

__all__ = ["CREDENTIALS", "Credentials", "find_credentials", "trusting"]

CREDENTIALS = "~/.tofupilot/credentials.json"
"""The name of the file in messages."""

_SIZE_LIMIT = 64 * 1024
"""The most bytes that the file may have. It holds three strings: a few hundred bytes, or a few thousand with a
certificate."""


@frozen
class Credentials:
    """A key and the server that it is for."""

    api_key: str = field(repr=False)
    base_url: str | None
    """None: TofuPilot's own server."""
    ca_cert: str | None
    """Certificates of an authority that is trusted in addition to the system's: the PEM text, or the path of a PEM
    file."""
    is_exposed: bool
    """Whether other users than the owner can read the file."""


def find_credentials() -> Credentials | None:
    """Return what the file says; None: there is no home directory, no file, or no key in the file.

    Raises:
        ConfigurationError: The file cannot be read, or is malformed. The error shows nothing of its content.
    """
    home = os.environ.get("USERPROFILE" if os.name == "nt" else "HOME")
    if not home:
        return None
    path = Path(home, *CREDENTIALS.split("/")[1:])
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):  # opening a named pipe would wait for a writer
            raise ConfigurationError(f"{CREDENTIALS} is not a file")
        with path.open("rb") as file:
            content = file.read(_SIZE_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigurationError(f"{CREDENTIALS} cannot be read: {error.strerror}") from error
    members = _members(content)
    api_key = _text(members, "api_key")
    if api_key is None:
        return None
    return Credentials(
        api_key=api_key,
        base_url=_text(members, "base_url"),
        ca_cert=_text(members, "ca_cert"),
        is_exposed=os.name != "nt" and bool(mode & (stat.S_IRGRP | stat.S_IROTH)),
    )


def trusting(ca_cert: str) -> SSLContext:
    """Return a TLS context that trusts an authority in addition to the system's.

    Args:
        ca_cert: As in `Credentials`.

    Raises:
        ConfigurationError: The text holds no certificate, or the file cannot be read.
    """
    import ssl  # noqa: PLC0415 - only where there is an authority to trust

    context = ssl.create_default_context()
    try:
        if "-----BEGIN" in ca_cert:
            context.load_verify_locations(cadata=ca_cert)
        else:
            context.load_verify_locations(cafile=Path(ca_cert).expanduser())
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: ~ has no home directory
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"ca_cert in {CREDENTIALS} cannot be used: {reason}") from error
    return context


def _members(content: bytes) -> dict[str, object]:
    if len(content) > _SIZE_LIMIT:
        raise ConfigurationError(f"{CREDENTIALS} is malformed: it has more than {_SIZE_LIMIT} bytes")
    try:
        document: object = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ConfigurationError(f"{CREDENTIALS} is malformed: it is not a JSON object")
    return cast("dict[str, object]", document)


def _text(members: dict[str, object], name: str) -> str | None:
    value = members.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ConfigurationError(f"{CREDENTIALS} is malformed: {name} is not a string")
    return value
