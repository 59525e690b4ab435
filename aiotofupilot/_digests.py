"""Texts that end with a checksum, and the few bytes that stand for the ID of an item in them."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import crc32
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DIGEST_SIZE", "digest", "format_digests", "read_digests", "sealed", "unsealed"]

DIGEST_SIZE = 6
"""Bytes that are kept of an ID. A resumed walk compares thousands of IDs. The chance that two of them agree in these
bytes is one in 10 ** 9."""

_SEAL_LENGTH = 7
"""Characters of a seal: a colon, and a checksum of four bytes."""


def digest(item_id: str) -> bytes:
    """Return the few bytes that stand for an ID in a checkpoint or a watermark.

    Args:
        item_id: ID of an item.
    """
    return hashlib.blake2b(item_id.encode(), digest_size=DIGEST_SIZE).digest()


def sealed(text: str) -> str:
    """Return a text with a seal, a checksum that shows whether the text was cut short or changed.

    Any change of a single character changes the checksum.

    Args:
        text: The text to seal.
    """
    checksum = crc32(text.encode(errors="surrogatepass")).to_bytes(4)
    return f"{text}:{urlsafe_b64encode(checksum).decode().rstrip('=')}"


def unsealed(text: str) -> str:
    """Return a text without its seal. An empty text: there is no seal, or the seal does not fit.

    Args:
        text: A text that `sealed` returned.
    """
    content = text[:-_SEAL_LENGTH]
    return content if sealed(content) == text else ""


def format_digests(digests: Iterable[bytes]) -> str:
    """Return the string form of digests: eight characters each.

    Args:
        digests: Digests, as `digest` returns them.
    """
    return urlsafe_b64encode(b"".join(digests)).decode()  # six bytes are eight characters: there is no padding


def read_digests(text: str) -> tuple[bytes, ...]:
    """Return the digests in a text.

    Args:
        text: A text that `format_digests` returned.

    Raises:
        ValueError: The text was cut short.
    """
    if len(text) % (DIGEST_SIZE * 4 // 3):
        raise ValueError(f"{len(text)} characters are not digests")
    joined = urlsafe_b64decode(text)
    return tuple(joined[at : at + DIGEST_SIZE] for at in range(0, len(joined), DIGEST_SIZE))
