"""Which server is asked, and with which key: from arguments or the environment, as a session finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from ._http.settings import authorization, resolve_base_url

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Settings"]


@frozen(kw_only=True)
class Settings:
    """A server and a key that have been found and checked. Nothing has been sent."""

    base_url: str
    """The address that requests begin with, such as ``https://www.tofupilot.app/api``."""
    authorization: str = field(repr=False)
    """The value of the ``Authorization`` header, which holds the key."""

    @classmethod
    def resolve(
        cls, api_key: str | None = None, *, base_url: str | None = None, allow_insecure_http: bool = False
    ) -> Self:
        """Return what a session uses that is given these arguments.

        Args:
            api_key: As in `TofuPilotSession`.
            base_url: As in `TofuPilotSession`.
            allow_insecure_http: As in `TofuPilotSession`.

        Raises:
            ConfigurationError: There is no key, or the key or the URL cannot be used.
            TypeError: An argument is of the wrong type.
        """
        address = resolve_base_url(base_url, allow_insecure_http=allow_insecure_http)
        return cls(base_url=address, authorization=authorization(api_key))
