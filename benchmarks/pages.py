"""The bodies that the server sends."""

from __future__ import annotations

from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from .data.details import run_details
from .data.draws import NUMBER
from .data.measurements import measurements
from .data.procedures import procedures_of_few, procedures_of_new
from .data.runs import runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["details_body", "page_body"]

_MAKERS: dict[str, Callable[[], Iterator[dict[str, Any]]]] = {
    "few": procedures_of_few,
    "new": procedures_of_new,
    "runs": runs,
    "measurements": measurements,
}
"""Functions that make the items of each kind."""

_DISTINCT = 5_000
"""How many items of each kind are made up. A longer listing repeats them, each time with new IDs."""

_DISTINCT_DETAILS = 20
"""The same for runs with everything in them, which take much longer to make."""


@cache
def _pieces(kind: str) -> list[list[bytes]]:
    """Return the items of a kind as JSON, each cut where its number belongs."""
    return [orjson.dumps(item).split(NUMBER.encode()) for item in islice(_MAKERS[kind](), _DISTINCT)]


@cache
def _pieces_of_details(points: int) -> list[list[bytes]]:
    """Return a few runs with everything in them, likewise."""
    return [orjson.dumps(run).split(NUMBER.encode()) for run in islice(run_details(points), _DISTINCT_DETAILS)]


def _digits(index: int) -> bytes:
    """Return eight hexadecimal digits that no other index has. Neighbours do not resemble each other."""
    return b"%08x" % (index * 0x9E37_79B1 & 0xFFFF_FFFF)


def page_body(kind: str, items: int, limit: int, cursor: int) -> bytes:
    """Return one page of a listing, as TofuPilot writes it.

    Args:
        kind: Name of the kind of data.
        items: How many the listing has.
        limit: The most that the page may have.
        cursor: Offset of the page's first item.
    """
    end = cursor + limit
    pieces = _pieces(kind)
    data = b",".join(_digits(index).join(pieces[index % _DISTINCT]) for index in range(cursor, min(end, items)))
    meta = b'{"has_more":true,"next_cursor":%d}' % end if end < items else b'{"has_more":false,"next_cursor":null}'
    return b'{"data":[%b],"meta":%b}' % (data, meta)


def details_body(run_id: str, points: int) -> bytes:
    """Return a run with everything in it, as TofuPilot writes it.

    Args:
        run_id: The ID of the run, as a page has it.
        points: As in `run_details`.
    """
    digits = run_id[: len(NUMBER)]
    pieces = _pieces_of_details(points)[int(digits, 16) % _DISTINCT_DETAILS]
    body = digits.encode().join(pieces)
    return body.replace(body[7:43], run_id.encode(), 1)
