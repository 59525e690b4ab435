"""The bodies that the server sends, prepared."""

from __future__ import annotations

from functools import cache, lru_cache

import orjson

from aiotofupilot.sandbox import make_procedures
from aiotofupilot.sandbox.wire import procedure_json

__all__ = ["page_body"]

_DISTINCT = 10_000
"""Procedures made up; a longer listing repeats them under other ids."""

_ID = len('{"id":"')
_ID_HEAD = 8
"""Hexadecimal digits of an id before its first dash, which number the items."""


@cache
def _tails() -> list[bytes]:
    """Return the procedures as JSON, without what goes before the first dash of the id."""
    return [orjson.dumps(procedure_json(procedure))[_ID + _ID_HEAD :] for procedure in make_procedures(_DISTINCT)]


def _item(index: int) -> bytes:
    return b'{"id":"%08x%b' % (index, _tails()[index % _DISTINCT])


@lru_cache(maxsize=2048)  # about 70 MB; all the pages of every listing that is timed
def page_body(items: int, limit: int, cursor: int) -> bytes:
    """Return one page of a listing, as TofuPilot writes it.

    Args:
        items: How many the listing has.
        limit: The most that the page may have.
        cursor: Offset of the page's first item.
    """
    end = cursor + limit
    data = b",".join(map(_item, range(cursor, min(end, items))))
    meta = b'{"has_more":true,"next_cursor":%d}' % end if end < items else b'{"has_more":false,"next_cursor":null}'
    return b'{"data":[%b],"meta":%b}' % (data, meta)
