"""Where a walk stands, exact to the item, in a few dozen characters as a rule."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from ._arguments import integer
from ._digests import DIGEST_SIZE, format_digests, read_digests, sealed, unsealed

if TYPE_CHECKING:
    from typing import Self

__all__ = ["BEGINNING", "LARGEST", "Checkpoint"]


BEGINNING = bytes(DIGEST_SIZE)
"""Stands for the position before the first item of a listing."""

LARGEST = 2**53 - 1
"""The largest cursor. The server counts in JavaScript's numbers, and larger integers are not exact there."""


_FORMAT = re.compile(r"(?:([a-z_]+)\.([\w-]{8}):)?(\d{1,16})(?:\+(\d{1,16}))?(?:@([\w-]+))?(?:~([\w-]+))?", re.ASCII)


def _cursor(value: int) -> int:
    return integer("cursor", value, low=0, high=LARGEST)


def _skip(value: int) -> int:
    return integer("skip", value, low=0, high=LARGEST)


@frozen
class Checkpoint:
    """Where a walk stands. ``list(cursor=checkpoint)`` of the same query resumes after the last item yielded.

    Its string form, ``str(checkpoint)``, is fit for files, JSON and command lines, and `Checkpoint.parse` reads it
    back. If it names its `listing`, it ends with a checksum, so that a text that was cut short or changed is refused.
    Two checkpoints of the same position are equal, even if they are of different listings.
    """

    cursor: int = field(default=0, converter=_cursor)
    """The cursor of the page to request, in the server's counting; from 0 to 2 ** 53 - 1."""
    skip: int = field(default=0, converter=_skip)
    """How many items of the page at `cursor` were passed already; from 0 to 2 ** 53 - 1."""
    anchors: tuple[bytes, ...] = ()
    """Digests of the items passed last, the earliest first. A walk that resyncs finds its position by them."""
    ahead: tuple[bytes, ...] = ()
    """Digests of items that were yielded and may come again, because the walk had to go back.

    It is empty as a rule. Each item adds eight characters to the string form.
    """
    listing: str = field(default="", eq=False)
    """The listing that this is a position in, such as ``procedures``. Empty: any listing, as for a plain cursor."""
    query: str = field(default="", eq=False)
    """A digest of the listing's filters and order. Checkpoints of other queries have another one."""

    @property
    def place(self) -> str:
        """The string form without `listing` and `query`."""
        text = f"{self.cursor}+{self.skip}" if self.skip else f"{self.cursor}"
        if self.anchors:
            text += f"@{format_digests(self.anchors)}"
        if self.ahead:
            text += f"~{format_digests(self.ahead)}"
        return text

    def __str__(self) -> str:
        return sealed(f"{self.listing}.{self.query}:{self.place}") if self.listing else self.place

    def after(self, position: int) -> Self:
        """Return the checkpoint after the item at a position, for a walk that stopped at an item that cannot be read.

        A walk that resumes there has nothing to compare its first page with. From its second page on, it can see
        whether the listing has moved.

        Args:
            position: The position of that item, from 0 to 2 ** 53 - 2; see `TofuPilotError.position`. The server's
                cursors have to be offsets.

        Raises:
            TypeError: The position is not an integer.
            ValueError: The position is out of bounds.
        """
        behind = integer("position", position, low=0, high=LARGEST - 1) + 1
        return evolve(self, cursor=max(behind, self.cursor + self.skip), skip=0, anchors=())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the checkpoint in a text.

        Args:
            text: What ``str(checkpoint)`` returned, or the digits of a cursor.

        Raises:
            ValueError: The text is not a checkpoint, or it was cut short or changed.
        """
        content = unsealed(text)
        match = _FORMAT.fullmatch(content or text)
        if match is None or bool(match[1]) != bool(content):
            raise ValueError(f"not a checkpoint, or one that was cut short or changed: {text!r}")
        listing, query, cursor, skip, anchors, ahead = match.groups()
        return cls(
            int(cursor),
            int(skip or 0),
            _read(anchors, text),
            _read(ahead, text),
            listing or "",
            query or "",
        )


def _read(digests: str | None, text: str) -> tuple[bytes, ...]:
    try:
        return read_digests(digests or "")
    except ValueError as error:
        raise ValueError(f"not a checkpoint, or one that was cut short or changed: {text!r}") from error
