"""Finds the server and the key of a session, in arguments, the environment or a login."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

from attrs import evolve, field, frozen
from yarl import URL

from ._checks import Secret, as_str, boolean, for_parameter, host_of, is_loopback, is_visible, must_be
from .errors import ConfigurationError

if TYPE_CHECKING:
    from ssl import SSLContext

__all__ = ["Settings"]

API_KEY, BASE_URL = "TOFUPILOT_API_KEY", "TOFUPILOT_URL"
"""The environment variables."""

CREDENTIALS = "~/.tofupilot/credentials.json"
"""The file that TofuPilot's own command writes at login, as messages show it."""

DEFAULT_BASE_URL = "https://www.tofupilot.app/api"

_PEM = "-----BEGIN"
_BEARER = re.compile(r"\Abearer\s+", re.IGNORECASE)


@frozen(kw_only=True)
class Settings:
    """A server and a key that have been found and checked. Nothing has been sent.

    `TofuPilotSession` says where they are looked for.
    """

    base_url: str
    """The address that requests begin with, such as ``https://www.tofupilot.app/api``."""
    authorization: str = field(repr=False)
    """The ``Authorization`` header with the key."""
    key_source: str
    """The source of the key: ``api_key``, ``TOFUPILOT_API_KEY`` or ``~/.tofupilot/credentials.json``."""
    ca_cert: str | None = None
    """An authority that the login trusts in addition to the system's, as PEM text or the path of a PEM file, or
    None."""
    is_exposed: bool = False
    """Whether the key is from a file that others can read."""

    @classmethod
    def resolve(
        cls, api_key: str | Secret | None = None, *, base_url: str | None = None, allow_insecure_http: bool = False
    ) -> Self:
        """Return the settings that a session with these arguments uses.

        Args:
            api_key: As in `TofuPilotSession`.
            base_url: As in `TofuPilotSession`.
            allow_insecure_http: As in `TofuPilotSession`.

        Raises:
            ConfigurationError: There is no key, the key or the URL cannot be used, or the file is malformed.
            TypeError: An argument is of the wrong type.
        """
        key, source = Secret.of(api_key), "api_key"
        del api_key
        allow_insecure_http = boolean("allow_insecure_http", allow_insecure_http)
        place, server = "base_url", base_url
        if base_url is None:
            place, server = BASE_URL, os.environ.get(BASE_URL) or None
        address = _checked_base_url(
            DEFAULT_BASE_URL if server is None else server, place, allow_insecure_http=allow_insecure_http
        )
        if key.value is None:
            key, source = Secret(os.environ.get(API_KEY, "")), API_KEY
            if not key.value and (
                login := cls._of_login(allow_insecure_http=allow_insecure_http or server is not None)
            ):
                if server is None:
                    return login
                origin, own = URL(address).origin(), URL(login.base_url).origin()
                if origin != own:
                    raise unusable(
                        "api_key",
                        f"no API key for {origin}: the key of {CREDENTIALS} is for {own}, and is sent nowhere else; "
                        f"set the environment variable {API_KEY}, or pass api_key=",
                    )
                return evolve(login, base_url=address)
        return cls(base_url=address, authorization=_authorization(key, source), key_source=source)

    @classmethod
    def _of_login(cls, *, allow_insecure_http: bool) -> Self | None:
        """Return the settings of a login, or None without one. No error shows the file's content."""
        try:
            path = Path(CREDENTIALS).expanduser()
            mode = _mode(path)
            login = _members(Secret(path.read_bytes()))
        except (FileNotFoundError, NotADirectoryError, RuntimeError):  # RuntimeError: ~ has no home directory
            return None
        except OSError as error:
            raise ConfigurationError(f"{CREDENTIALS} cannot be read: {error.strerror}") from error
        if not login.value.get("api_key"):
            return None
        base_url, ca_cert = login.value.get("base_url") or DEFAULT_BASE_URL, login.value.get("ca_cert") or None
        if ca_cert is not None and _PEM not in ca_cert and not ca_cert.startswith("~"):
            ca_cert = str(path.parent / ca_cert)
        return cls(
            base_url=_checked_base_url(base_url, f"base_url in {CREDENTIALS}", allow_insecure_http=allow_insecure_http),
            authorization=_authorization(Secret(login.value["api_key"]), CREDENTIALS),
            key_source=CREDENTIALS,
            ca_cert=ca_cert,
            is_exposed=os.name != "nt" and bool(mode & (stat.S_IRGRP | stat.S_IROTH)),
        )

    def tls(self, ca_cert: str | os.PathLike[str] | None = None) -> SSLContext | None:
        """Return a TLS context that trusts another authority in addition to the system's, or None if there is none.

        Args:
            ca_cert: As in `TofuPilotSession`. If None, the authority of the login, if there is one.

        Raises:
            ConfigurationError: The text or the file holds no certificate, or the file cannot be read.
            TypeError: The argument is of the wrong type.
        """
        source, authority = "ca_cert", ca_cert
        if authority is None:
            source, authority = f"ca_cert in {CREDENTIALS}", self.ca_cert
        if authority is None:
            return None
        import ssl  # noqa: PLC0415 - only where there is an authority to trust

        if not isinstance(cast("object", authority), str | os.PathLike):
            raise must_be(TypeError, "ca_cert", "a string, a path or None", authority)
        context = ssl.create_default_context()
        try:
            if isinstance(authority, str) and _PEM in authority:
                context.load_verify_locations(cadata=authority)
            else:
                path = Path(authority).expanduser()
                _mode(path)
                context.load_verify_locations(cafile=path)
        except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: ~ has no home directory
            reason = getattr(error, "strerror", None) or error
            where = f"{name}: " if (name := getattr(error, "filename", None)) else ""
            raise unusable("ca_cert", f"{source} cannot be used: {where}{reason}") from error
        return context


def _mode(path: Path) -> int:
    """Return the mode of a file. Raise an `OSError` for a named pipe, which could block for ever."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "not a regular file")
    return mode


def unusable(parameter: str, message: str) -> ConfigurationError:
    return for_parameter(ConfigurationError(message), parameter)


def _authorization(key: Secret, source: str) -> str:
    """Return the ``Authorization`` header for a key, which may begin with ``Bearer``. No error shows the key."""
    if not isinstance(key.value, str):
        raise for_parameter(TypeError(f"api_key must be a string or None, got {type(key.value).__name__}"), "api_key")
    key = Secret(_BEARER.sub("", as_str(key.value)))
    if not key.value:
        raise unusable(
            "api_key",
            "no API key: set the environment variable TOFUPILOT_API_KEY, or pass api_key=; "
            "keys are made in TofuPilot's settings",
        )
    if not is_visible(key.value):
        fault = "has a space, a line break or another character that is not visible ASCII"
        raise unusable(source, f"the API key in {source} {fault}")
    return f"Bearer {key.value}"


def _checked_base_url(base_url: object, source: str, *, allow_insecure_http: bool) -> str:
    """Return the address without a trailing slash. Errors name it by its ``source``."""
    if not isinstance(base_url, str):
        raise for_parameter(TypeError(f"base_url must be a string or None, got {type(base_url).__name__}"), "base_url")
    base_url = as_str(base_url)
    if set("@?#").intersection(base_url):  # before any error that shows the address
        raise unusable(source, f"{source} must not have a user name, a password, a query or a fragment")
    if not base_url.lower().startswith(("https://", "http://")):
        raise unusable(
            source,
            f"{source} must begin with https:// or http://, such as https://tofupilot.example.com; "
            "the value is not shown, because it may be a key",
        )
    if not is_visible(base_url):
        raise unusable(source, f"{source} must be visible ASCII without spaces or line breaks, got {base_url!r}")
    try:
        url = URL(base_url)  # as aiohttp parses it; another parser might find another host
        host = host_of(url)
    except ValueError as error:
        raise unusable(source, f"{source} is not a URL, got {base_url!r}: {error}") from error
    if url.scheme == "http" and not allow_insecure_http and not is_loopback(host):
        raise unusable(
            "allow_insecure_http",
            f"{source} is plain HTTP, and the network between here and {host} could read the key: "
            "use https, or pass allow_insecure_http=True",
        )
    return str(url.with_path(url.raw_path.rstrip("/") or "/api", encoded=True))


def _members(content: Secret) -> Secret:
    """Return a JSON object, after checking the members that are read."""
    try:
        login = Secret(json.loads(content.value))
    except (ValueError, RecursionError):
        login = Secret(None)
    is_object = isinstance(login.value, dict)
    if not is_object:
        raise ConfigurationError(f"{CREDENTIALS} is malformed: it is not a JSON object")
    for name in ("api_key", "base_url", "ca_cert"):
        if not isinstance(login.value.get(name), str | None):
            raise ConfigurationError(f"{CREDENTIALS} is malformed: {name} is not a string")
    return login
