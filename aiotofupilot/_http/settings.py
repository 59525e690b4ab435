"""The key and the address, from arguments or the environment. They are checked before anything is sent."""

from __future__ import annotations

import os
import re
from ipaddress import ip_address

from yarl import URL

from aiotofupilot._arguments import named, plain
from aiotofupilot.errors import ConfigurationError

__all__ = ["API_KEY", "BASE_URL", "DEFAULT_BASE_URL", "authorization", "checked_base_url", "origin", "resolve_base_url"]

API_KEY, BASE_URL = "TOFUPILOT_API_KEY", "TOFUPILOT_URL"
"""The environment variables."""

DEFAULT_BASE_URL = "https://www.tofupilot.app/api"

_BEARER = re.compile(r"bearer\s+", re.IGNORECASE)
_VISIBLE = re.compile(r"[!-~]+")
_QUERY = re.compile("[?#]")


def authorization(api_key: object, source: str = "api_key") -> str:
    """Return the value of the ``Authorization`` header.

    Args:
        api_key: The key. It may begin with ``Bearer``. None: the key in ``TOFUPILOT_API_KEY``.
        source: How errors name the place of the key.

    Raises:
        ConfigurationError: There is no key, or it has characters that a header cannot carry. The key is not shown.
        TypeError: The key is not a string.
    """
    if api_key is None:
        source, api_key = API_KEY, os.environ.get(API_KEY, "")
    if not isinstance(api_key, str):
        raise named(TypeError(f"api_key must be a string or None, got {type(api_key).__name__}"), "api_key")
    api_key = plain(api_key)
    key = _BEARER.sub("", api_key, count=1) if _BEARER.match(api_key) else api_key
    if not key:
        complaint = (
            "no API key: set the environment variable TOFUPILOT_API_KEY, or pass api_key=; "
            "keys are made in TofuPilot's settings"
        )
        raise named(ConfigurationError(complaint), "api_key")
    if not _VISIBLE.fullmatch(key):
        complaint = f"the API key in {source} has a space, a line break or another character that is not visible ASCII"
        raise named(ConfigurationError(complaint), source)
    return f"Bearer {key}"


def resolve_base_url(base_url: object, *, allow_insecure_http: bool) -> str:
    """Return the address that request targets are appended to, without a trailing slash.

    Args:
        base_url: ``https://HOST``, with or without ``/api`` and a trailing slash. None: the address in
            ``TOFUPILOT_URL``, or TofuPilot's own address if this variable is not set.
        allow_insecure_http: Whether the key may be sent unencrypted to another machine.

    Raises:
        ConfigurationError: It is not an address that can be used.
        TypeError: The address is not a string.
    """
    source = "base_url"
    if base_url is None:
        source, base_url = BASE_URL, os.environ.get(BASE_URL) or DEFAULT_BASE_URL
    if not isinstance(base_url, str):
        raise named(TypeError(f"base_url must be a string or None, got {type(base_url).__name__}"), "base_url")
    return checked_base_url(plain(base_url), source, allow_insecure_http=allow_insecure_http)


def checked_base_url(base_url: str, source: str, *, allow_insecure_http: bool) -> str:
    """Return an address without a trailing slash, after checking it; see `resolve_base_url`.

    Args:
        base_url: As in `resolve_base_url`.
        source: How errors name the place of the address.
        allow_insecure_http: As in `resolve_base_url`.

    Raises:
        ConfigurationError: It is not an address that can be used.
    """
    if "@" in base_url:  # looked for before anything that shows the address
        raise named(ConfigurationError(f"{source} must not hold a user name or password"), source)
    if not base_url.lower().startswith(("https://", "http://")):
        complaint = (
            f"{source} must begin with https:// or http://, such as https://tofupilot.example.com; "
            "the value is not shown, because it may be a key"
        )
        raise named(ConfigurationError(complaint), source)
    if query := _QUERY.search(base_url):
        complaint = f"{source} must not have a query or fragment, got one after {base_url[: query.start()]!r}"
        raise named(ConfigurationError(complaint), source)
    if not _VISIBLE.fullmatch(base_url):
        complaint = f"{source} must be visible ASCII without spaces or line breaks, got {base_url!r}"
        raise named(ConfigurationError(complaint), source)
    try:
        url = URL(base_url)  # aiohttp parses it in this way too; another parser might find another host
        host = url.host  # this decodes it, so it may fail
        (url.raw_host or "").encode("idna")  # the host is looked up in this form
    except ValueError as error:
        raise named(ConfigurationError(f"{source} is not a URL, got {base_url!r}: {error}"), source) from error
    if not host:
        complaint = f"{source} must be a URL such as https://tofupilot.example.com, got {base_url!r}"
        raise named(ConfigurationError(complaint), source)
    if url.scheme == "http" and not allow_insecure_http and not _is_loopback(host):
        complaint = (
            f"{source} is plain HTTP, and the network between here and {host} could read the key: "
            "use https, or pass allow_insecure_http=True"
        )
        raise named(ConfigurationError(complaint), "allow_insecure_http")
    return str(url.with_path(url.raw_path.rstrip("/") or "/api", encoded=True))


def origin(base_url: str) -> str:
    """Return the scheme, host and port of an address that has been checked."""
    return str(URL(base_url).origin())


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"  # not *.localhost: some resolvers ask the network for those names
