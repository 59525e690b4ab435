"""Adds the key to a request at a place where no trace hook sees it.

aiohttp calls the hooks for the start of a request before it runs the middlewares. So these hooks, such as
OpenTelemetry's capture of headers, see the request without the key.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp

from aiotofupilot._otel import requests as telemetry

from .failures import LostError

if TYPE_CHECKING:
    from collections.abc import Collection

    from multidict import CIMultiDict
    from yarl import URL

__all__ = ["key_sender"]

_TELL = "_on_headers_request_sent"
"""The method by which aiohttp shows the headers of a request to trace hooks. There is no public place after it."""


def key_sender(authorization: str, hooks: Collection[object]) -> aiohttp.ClientMiddlewareType:
    """Return an aiohttp middleware that sends a request once, with the key.

    It is a function and not a method, because a mock that records a call copies its arguments. The copy of a function
    is the function itself.

    Args:
        authorization: The value of that header.
        hooks: The trace configurations of the aiohttp session. They may change.
    """

    async def send(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        headers = request.headers
        told = getattr(request, _TELL, None)
        if told is None or not hooks:
            headers["Authorization"] = authorization
        else:
            # The hooks get the headers right before they are written, so the key is added after the hooks.
            headers.pop("Authorization", None)

            async def tell(method: str, url: URL, sent: CIMultiDict[str]) -> None:
                await told(method, url, sent)
                sent["Authorization"] = authorization

            setattr(request, _TELL, tell)
        telemetry.describe(request.url)
        try:
            return await handler(request)
        except asyncio.CancelledError as error:
            telemetry.given_up(error)
            raise
        except aiohttp.ClientConnectorError:  # after this error aiohttp does not send again
            raise
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
            # aiohttp would send the request again, at once and uncounted.
            raise LostError(error) from error
        finally:
            headers.pop("Authorization", None)  # before the hooks for the end of the request

    return send
