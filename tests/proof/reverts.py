"""Changes by name, each of which takes one part of the protocol out. With each of them, some history must fail.

They show that the check of all histories can fail, and what each part is there for. They change private names of the
package, because no option takes these parts out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from attrs import frozen
from proof.histories import Bound

from aiotofupilot._paging.course import Course
from aiotofupilot._paging.position import ByTime, Position

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


_look, _covered = Course.look_for_position, Position._is_covered


def _never_wider(course: Course[Any], level: int, *_: object) -> None:
    _look(course, 0)
    course.level = level


def _within(position: Position[Any], keys: Any, begins: Any) -> bool:
    return _covered(position, keys, begins) or bool(keys and keys[0] == position.key)


def _as_sorted(position: ByTime[Any], page: Any) -> Any:
    return position.keys_of(page.data), False


_ONE = Bound(items=3, changes=1, limit=3, in_flight=1)
_RESUMED = Bound(items=3, changes=1, limit=3, in_flight=1, resumes=True)
_ALIKE = Bound(items=6, changes=0, limit=4, in_flight=1, resumes=True, alike=3, order="shuffled")
_UNSORTED = Bound(items=4, changes=0, limit=3, in_flight=1, order="unsorted")
_MOVING_ALIKE = Bound(items=4, changes=2, limit=3, in_flight=1, alike=2, order="shuffled")

REVERTS = (
    Revert(
        "a page that begins behind the position is believed",
        Position,
        "_is_covered",
        lambda *_: True,
        Bound(4, 3, 3, 1),
    ),
    Revert("a page that begins among items of one time is believed", Position, "_is_covered", _within, _MOVING_ALIKE),
    Revert("items that have the time of the position are new", Position, "_has", lambda *_: False, _ONE),
    Revert("items that have the time of the position are not new", Position, "_has", lambda *_: True, _ALIKE),
    Revert("a checkpoint names no items", Position, "_named", lambda _, key, *__: (key, ()), _RESUMED),
    Revert("the bound of a query is not moved back", Course, "look_for_position", _never_wider, _RESUMED),
    Revert("the order of a page is not looked at", ByTime, "_ordered", _as_sorted, _UNSORTED),
)
