"""Redirects are followed within the key's own origin, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yarl import URL

from aiotofupilot.errors import RedirectError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiotofupilot._wire.response import Response

__all__ = ["follow", "is_redirect"]

_STATUSES = frozenset({301, 302, 303, 307, 308})
_AT_MOST = 5


def is_redirect(response: Response) -> bool:
    """Return whether an answer leads on to another address."""
    return response.status in _STATUSES and "Location" in response.headers


async def follow(get: Callable[[URL], Awaitable[Response]], url: URL, response: Response) -> Response:
    """Return the answer that redirects lead to.

    Args:
        get: Sends a request with the key.
        url: The address that answered.
        response: Its answer, which is a redirect.

    Raises:
        RedirectError: A redirect leads to another origin, or to an invalid URL, or there were more than 5 in a row.
    """
    for _ in range(_AT_MOST):
        url = _target(url, response.headers["Location"])
        response = await get(url)
        if not is_redirect(response):
            return response
    url = _target(url, response.headers["Location"])
    raise RedirectError(f"redirected more than {_AT_MOST} times, at last to {url}", location=str(url))


def _target(url: URL, location: str) -> URL:
    """Return where a redirect leads, without credentials, if the key may be sent there."""
    try:
        target = url.join(URL(location)).with_user(None)
        origin = target.origin()
    except ValueError:
        raise RedirectError(f"redirected to {location!r}, which is not a URL", location=location) from None
    if origin != url.origin():
        raise RedirectError(
            f"redirected to another origin, {target}, to which the key is not sent", location=str(target)
        )
    return target
