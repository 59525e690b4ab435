"""Changes by name, each of which takes one part of the protocol out. With each of them, some history must fail.

They show that the check of all histories can fail, and what each part is there for. They change private names of the
package, because no option takes these parts out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from attrs import frozen
from proof.histories import Bound

from aiotofupilot._paging import memory
from aiotofupilot._paging.drift import DetectDrift, Search
from aiotofupilot._paging.memory import Memory
from aiotofupilot._paging.prefetch import Window

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


@frozen
class Revert:
    """A change of the package, and where a history that it breaks is found."""

    name: str
    target: object
    attribute: str
    value: object
    bound: Bound

    def applied(self) -> AbstractContextManager[object]:
        """Return a context in which the package is changed."""
        return patch.object(self.target, self.attribute, self.value)


_start, _after = DetectDrift._start, Search.after


def _start_unchecked(drift: DetectDrift[Any], page: Any, gap: Any) -> int | None:
    if drift.memory.passed and page.cursor == drift._expected and page.data:
        return 1
    return _start(drift, page, gap)


def _forth_only(search: Search, page: Any) -> int | None:
    search._back = 0
    return _after(search, page)


def _forgotten(names: Memory, rank: int) -> None:
    del names.passed[rank + 1 :]


def _all_new(names: Memory, items: Any, start: int) -> Any:
    names._start = start
    names._known.update(names.page[start:])
    return items[start:]


def _kept(window: Window[Any], cursor: int) -> None:
    window.cursor, window.passed, window._last, window._ended = cursor, 0, None, False


_ONE = Bound(items=3, changes=1, limit=2, in_flight=1)
_RESUMED = Bound(items=3, changes=1, limit=2, in_flight=1, resumes=True)

REVERTS = (
    Revert("the first item of a page is not compared", DetectDrift, "_start", _start_unchecked, _ONE),
    Revert("what was passed and may come again is forgotten", Memory, "go_back", _forgotten, _ONE),
    Revert("an item that was passed counts as new", Memory, "new", _all_new, _ONE),
    Revert("one item is remembered", memory, "_REMEMBERED", 1, _ONE),
    Revert("two items are remembered", memory, "_REMEMBERED", 2, Bound(2, 2, 2, 1, passed=9)),
    Revert("the beginning of the listing is not known", Memory, "is_complete", property(lambda _: False), _ONE),
    Revert("the position is looked for onwards only", Search, "after", _forth_only, _ONE),
    Revert("a checkpoint names one item", memory, "_ANCHORS", 1, _RESUMED),
    Revert("a checkpoint names two items", memory, "_ANCHORS", 2, Bound(3, 2, 2, 1, resumes=True)),
    Revert("a checkpoint does not name what may come again", Memory, "ahead", lambda *_: (), _RESUMED),
    Revert("pages that were prefetched are kept in a search", Window, "restart", _kept, Bound(5, 1, 2, 2)),
)
