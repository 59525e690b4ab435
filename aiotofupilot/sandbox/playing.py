"""Plays a delivery on a connection of aiohttp, step by step."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

from aiohttp import web

from .delivery import Chunk, Close, Head, Wait

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .delivery import Delivery

__all__ = ["play"]

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # linger on, for no time


async def play(
    delivery: Delivery, http: web.BaseRequest, sleep: Callable[[float], Awaitable[None]]
) -> web.StreamResponse:
    """Play the steps of a delivery as the answer to a request, and return the response.

    Args:
        delivery: The steps.
        http: The request.
        sleep: Waits a number of seconds.
    """
    response = web.StreamResponse()
    try:
        for step in delivery.steps:
            match step:
                case Head(status, headers):
                    response = web.StreamResponse(status=status, headers=headers)
                    await response.prepare(http)
                case Chunk(data):
                    if http.method != "HEAD":
                        await response.write(data)
                case Wait(seconds):
                    await _flush(response)
                    await sleep(seconds)
                case Close():
                    await _flush(response)
                    _close(http)
                case _:  # a Reset
                    await _flush(response)
                    _reset(http)
        if response.prepared:
            await response.write_eof()
    except ConnectionError:
        pass  # the client has disconnected, or the connection was ended on purpose; aiohttp notices it itself
    return response


async def _flush(response: web.StreamResponse) -> None:
    """Send the headers. Otherwise aiohttp would hold them back until the first bytes of the body."""
    if response.prepared:
        await response.write(b"")


def _close(http: web.BaseRequest) -> None:
    """Close the connection of a request after everything that was written is sent."""
    if http.transport:
        http.transport.close()


def _reset(http: web.BaseRequest) -> None:
    """Reset a request's connection."""
    if http.transport:
        http.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        http.transport.abort()
