"""Finds the server and the key, in arguments, the environment or a login. A session finds them in the same way."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from attrs import field, frozen

from ._arguments import named
from ._http.credentials import CREDENTIALS, Credentials, find_credentials
from ._http.settings import (
    API_KEY,
    BASE_URL,
    DEFAULT_BASE_URL,
    authorization,
    checked_base_url,
    origin,
    resolve_base_url,
)
from .errors import ConfigurationError

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Settings"]


@frozen(kw_only=True)
class Settings:
    """A server and a key that have been found and checked. Nothing has been sent.

    They are looked for in the arguments, then in the environment, and then in ``~/.tofupilot/credentials.json``, the
    file that TofuPilot's own command writes at login. The file is used only if no key is given elsewhere. Its key is
    sent to no server but its own.
    """

    base_url: str
    """The address that requests begin with, such as ``https://www.tofupilot.app/api``."""
    authorization: str = field(repr=False)
    """The value of the ``Authorization`` header, which holds the key."""
    key_source: str
    """The source of the key: ``api_key``, ``TOFUPILOT_API_KEY`` or ``~/.tofupilot/credentials.json``."""
    ca_cert: str | None = None
    """Certificates of an authority that is trusted in addition to the system's: the PEM text, or the path of a PEM
    file. None: only the system's authorities are trusted."""
    is_exposed: bool = False
    """Whether the key is from a file that other users than its owner can read."""

    @classmethod
    def resolve(
        cls, api_key: str | None = None, *, base_url: str | None = None, allow_insecure_http: bool = False
    ) -> Self:
        """Return the settings that a session with these arguments uses.

        Args:
            api_key: As in `TofuPilotSession`.
            base_url: As in `TofuPilotSession`.
            allow_insecure_http: As in `TofuPilotSession`.

        Raises:
            ConfigurationError: There is no key, or the key or the URL cannot be used, or the file is malformed.
            TypeError: An argument is of the wrong type.
        """
        given = api_key is not None or bool(os.environ.get(API_KEY))
        if not given and (credentials := find_credentials()) is not None:
            return cls._of(credentials, base_url, allow_insecure_http=allow_insecure_http)
        address = resolve_base_url(base_url, allow_insecure_http=allow_insecure_http)
        return cls(
            base_url=address,
            authorization=authorization(api_key),
            key_source=API_KEY if api_key is None else "api_key",
        )

    @classmethod
    def _of(cls, credentials: Credentials, base_url: str | None, *, allow_insecure_http: bool) -> Self:
        """Return the settings of the file, for its own server or another address of the same origin."""
        elsewhere = base_url is not None or bool(os.environ.get(BASE_URL))
        address = checked_base_url(
            credentials.base_url or DEFAULT_BASE_URL,
            f"base_url in {CREDENTIALS}",
            allow_insecure_http=allow_insecure_http or elsewhere,
        )
        if elsewhere:
            own, address = address, resolve_base_url(base_url, allow_insecure_http=allow_insecure_http)
            if origin(address) != origin(own):
                complaint = (
                    f"no API key for {origin(address)}: the key of {CREDENTIALS} is for {origin(own)}, and is "
                    "sent nowhere else; set the environment variable TOFUPILOT_API_KEY, or pass api_key="
                )
                raise named(ConfigurationError(complaint), "api_key")
        return cls(
            base_url=address,
            authorization=authorization(credentials.api_key, CREDENTIALS),
            key_source=CREDENTIALS,
            ca_cert=credentials.ca_cert,
            is_exposed=credentials.is_exposed,
        )
