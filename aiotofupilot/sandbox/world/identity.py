"""Computes ids from numbers, and numbers from ids."""

from __future__ import annotations

__all__ = ["Identities", "scramble"]

_MASK_64 = 2**64 - 1
_MASK_62 = 2**62 - 1


def scramble(number: int) -> int:
    """Turn a number into 64 bits that look random (the finisher of SplitMix64)."""
    number = (number + 0x9E3779B97F4A7C15) & _MASK_64
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK_64
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK_64
    return number ^ (number >> 31)


class Identities:
    """UUIDs of version 4 for the items of one kind.

    The lower 62 bits hold the number, multiplied and shifted by values that depend on the seed. The upper bits are
    computed from the number, so an id of another kind or another seed is recognised.
    """

    def __init__(self, seed: int, kind: str) -> None:
        self._key = scramble(hash_of(f"{seed} {kind}"))
        self._factor = scramble(self._key) | 1  # odd, so that it has an inverse
        self._inverse = pow(self._factor, -1, 2**62)

    def uuid(self, number: int) -> str:
        """Return the id with a number."""
        low = (number * self._factor + self._key) & _MASK_62
        high = scramble(self._key ^ number)
        return (
            f"{high >> 32:08x}-{high >> 16 & 0xFFFF:04x}-4{high & 0xFFF:03x}"
            f"-{0x8000 | low >> 48:04x}-{low & 0xFFFFFFFFFFFF:012x}"
        )

    def number(self, uuid: str) -> int | None:
        """Return the number of an id; None: it is an id of another kind or seed."""
        try:
            low = int(uuid[-17:].replace("-", ""), 16) & _MASK_62
        except ValueError:
            return None
        number = (low - self._key) * self._inverse & _MASK_62
        return number if self.uuid(number) == uuid.lower() else None


def hash_of(text: str) -> int:
    """Turn a text into 64 bits. They are the same in each process."""
    bits = 0
    for byte in text.encode():
        bits = scramble(bits ^ byte)
    return bits
