"""Finds the proxy of a session: the given one, or the environment's."""

from __future__ import annotations

import os
from base64 import b64encode
from urllib.request import getproxies_environment, proxy_bypass

from attrs import field, frozen
from yarl import URL

from aiotofupilot._checks import Secret, for_parameter, host_of, is_loopback, is_visible
from aiotofupilot.errors import ConfigurationError


@frozen(kw_only=True)
class Proxy:
    """A checked proxy."""

    url: URL
    """Scheme, host and port."""
    login: tuple[str, str] | tuple[()] = field(repr=False)
    """User name and password, decoded, or empty."""
    source: str
    """``proxy=``, or the name of an environment variable."""

    def __str__(self) -> str:
        return f"the proxy at {self.url.host_subcomponent}:{self.url.port}"

    @property
    def authorization(self) -> str | None:
        """The ``Proxy-Authorization`` header, or None."""
        return None if not self.login else f"Basic {b64encode(':'.join(self.login).encode()).decode()}"


def resolve_proxy(proxy: Secret, base_url: str, *, allow_insecure_http: bool) -> Proxy | None:
    """Return the proxy for a server with a checked address, or None.

    Raises:
        ConfigurationError: The address of the proxy cannot be used, or the proxy would get the key unencrypted.
        TypeError: The argument ``proxy=`` is not a string.
    """
    server, source = URL(base_url), "proxy="
    if proxy.value is None:
        if is_loopback(server.host or ""):
            return None
        source, proxy = _of_environment(server)
    elif not isinstance(proxy.value, str):
        raise for_parameter(TypeError(f"proxy must be a string or None, got {type(proxy.value).__name__}"), "proxy")
    elif proxy.value and server.scheme == "http" and not allow_insecure_http:
        message = f"proxy would get the key unencrypted on its way to {server.origin()}: leave out the proxy, "
        error = ConfigurationError(f"{message}or pass allow_insecure_http=True")
        raise for_parameter(error, "allow_insecure_http")
    return _checked(proxy, source) if proxy.value else None


def _of_environment(server: URL) -> tuple[str, Secret]:
    """Return the environment variable with the proxy for a server, and its value.

    The value is None if no variable is set, or if NO_PROXY names the server. NO_PROXY can be a star, or a list of names
    or endings of names, with or without ports. It cannot have networks such as 10.0.0.0/8. The standard library prefers
    variables in lower case, and ignores HTTP_PROXY in a CGI program, where a client could set it.
    """
    name, found = f"{server.scheme}_proxy", Secret(getproxies_environment().get(server.scheme))
    if found.value and proxy_bypass(f"{server.host_subcomponent}:{server.port}"):
        return name, Secret(None)
    return name if name in os.environ else name.upper(), found


def _checked(proxy: Secret, source: str) -> Proxy:
    found = _parsed(proxy, source)
    if found is None:
        error = ConfigurationError(
            f"{source.rstrip('=')} must be the http:// or https:// address of a proxy, such as "
            "http://proxy.example.com:3128; the value is not shown, because it may hold a password"
        )
        raise for_parameter(error, "proxy")
    return found


def _parsed(proxy: Secret, source: str) -> Proxy | None:
    """Return the proxy, or None if its address cannot be used. An address without a scheme is http.

    No error is raised here, because it would have the address, which may have a password.
    """
    try:
        url = URL(proxy.value if "://" in proxy.value else f"http://{proxy.value}")
        if not (is_visible(proxy.value) and url.scheme in {"http", "https"} and host_of(url) and url.port):
            return None
        is_open = url.raw_user is None and url.raw_password is None
        login = () if is_open else (url.user or "", url.password or "")
        return Proxy(url=url.origin(), login=login, source=source)
    except ValueError:
        return None
