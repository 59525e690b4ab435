"""What to do about a server that refuses a request. The hint names the server and where the key is from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiotofupilot.errors import APIError, ForbiddenError, NotFoundError, UnauthorizedError

if TYPE_CHECKING:
    from yarl import URL

    from aiotofupilot.errors import TofuPilotError

__all__ = ["advise"]

_LONG = 4_000
"""Servers and proxies take an address of this many characters."""


def advise(error: TofuPilotError, url: URL, key_source: str) -> None:
    """Add a hint to an error, if the error is about the key or the address, or a long address may be its cause.

    Args:
        error: How an attempt failed.
        url: The address that was asked.
        key_source: Where the key is from.
    """
    server = url.origin()
    key = "the key given as api_key" if key_source == "api_key" else f"the key of {key_source}"
    match error:
        case UnauthorizedError():
            error.hint = f"{server} refused {key}: check it, and that it is of this server"
        case ForbiddenError():
            error.hint = f"{server} does not let {key} list this: use the key of a user, because a station's is limited"
        case NotFoundError():
            error.hint = f"{server} has no {url.path}: check the address of the server"
        case APIError(status=400 | 414 | 431) if len(url.raw_path_qs) > _LONG:
            error.hint = (
                f"the address has {len(url.raw_path_qs):,} characters, which may be more than {server} takes: "
                "give the filters fewer values, and list several times"
            )
        case _:
            pass
