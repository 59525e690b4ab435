"""Faults that send more than any page can be."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from zlib import compressobj

from aiotofupilot.sandbox.delivery import Chunk, Delivery

from .fault import Alteration, fault, instead
from .transit import GZIP

if TYPE_CHECKING:
    from random import Random

    from aiotofupilot.sandbox.request import Question

__all__ = ["gzip_bomb", "header_flood", "oversized"]

_MIB = 1024 * 1024


@fault
def gzip_bomb(size: int = 80 * _MIB) -> Alteration:
    """Answer with a few bytes that decompress to many spaces.

    Args:
        size: The least number of spaces, in bytes.
    """
    return instead(200, {"Content-Type": "application/json", "Content-Encoding": "gzip"}, _bomb(size))


@lru_cache(maxsize=4)
def _bomb(size: int) -> bytes:
    """Compress that many spaces. The result is remembered, because this takes time."""
    compressor = compressobj(wbits=GZIP)
    return b"".join(compressor.compress(b" " * _MIB) for _ in range(_mebibytes(size))) + compressor.flush()


def _mebibytes(size: int) -> int:
    """Round bytes up to MiB."""
    return -(-size // _MIB)


@fault
def oversized(size: int = 80 * _MIB, *, announced: bool = True) -> Alteration:
    """Send many spaces after the answer. JSON allows that.

    Args:
        size: The least number of spaces, in bytes.
        announced: Whether Content-Length says so, and the client can refuse before it reads.
    """

    def alter(delivery: Delivery, _request: Question, _random: Random) -> Delivery:
        padding = _mebibytes(size) * (Chunk(b" " * _MIB),)  # one chunk many times takes little memory
        padded = Delivery((*delivery.steps, *padding))
        length = str(len(delivery.body) + len(padding) * _MIB) if announced else None
        return padded.with_headers({"Content-Length": length})

    return alter


@fault
def header_flood(count: int = 1000, *, size: int = 1000) -> Alteration:
    """Send many more headers.

    Args:
        count: How many more headers to send.
        size: The length of each of their values, in bytes.
    """
    flood = {f"X-Flood-{number}": "x" * size for number in range(count)}
    return lambda delivery, _request, _random: delivery.with_headers(flood)
