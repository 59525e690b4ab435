"""The filter for metadata. It is one parameter that holds conditions as JSON text.

{"shift": {"in": ["A", "B"]}, "humidity": {"gte": 40, "lt": 60}, "rework": {"eq": true}}
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import orjson
from attrs import frozen

from .parameters import Scalar
from .zod import Complaint, mistyped

if TYPE_CHECKING:
    from aiotofupilot.models import Metadata

__all__ = ["Conditions", "matches"]

_MOST_KEYS = 5

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "gte": operator.ge,
    "lte": operator.le,
    "gt": operator.gt,
    "lt": operator.lt,
    "eq": operator.eq,
}


@frozen
class Conditions(Scalar[Mapping[str, Mapping[str, Any]]]):
    """Conditions for the values of metadata, by key. The official SDK sends an empty text if there are none."""

    _expected = "record"

    def _parse(self, text: str) -> Mapping[str, Mapping[str, Any]] | None:
        if not text:
            return None
        try:
            document: Any = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise Complaint(mistyped("record", "string")) from None  # zod sees a text that is not JSON as a string
        if not isinstance(document, dict):
            raise Complaint(mistyped("record", _zod_type(document)))
        conditions = cast("dict[str, Any]", document)
        if wrong := [key for key, condition in conditions.items() if not _is_condition(condition)]:
            raise Complaint(*map(_wrong_condition, wrong))
        if len(conditions) > _MOST_KEYS:
            raise Complaint({"code": "custom", "message": f"At most {_MOST_KEYS} metadata keys can be filtered by"})
        return conditions or None


def matches(metadata: Metadata | None, conditions: Mapping[str, Mapping[str, Any]]) -> bool:
    """Return whether metadata meet all conditions. A missing key meets no condition."""
    return metadata is not None and all(
        key in metadata and _meets(metadata[key], condition) for key, condition in conditions.items()
    )


def _meets(value: str | float, condition: Mapping[str, Any]) -> bool:
    """Return whether one value meets one condition. A condition for another type is not met."""
    if isinstance(value, str):
        wanted, needle = condition.get("in", [value]), condition.get("contains", value)
        return condition.keys() <= {"in", "contains"} and value in wanted and needle in value
    return all(
        name in _COMPARISONS and isinstance(bound, bool) is isinstance(value, bool) and _COMPARISONS[name](value, bound)
        for name, bound in condition.items()
    )


def _is_condition(condition: object) -> bool:
    """Return whether a condition is a valid one for a truth value, for text or for numbers."""
    if not isinstance(condition, dict):
        return False
    parts = cast("dict[str, object]", condition)
    if isinstance(parts.get("eq"), bool):
        return parts.keys() == {"eq"}
    if parts.keys() <= {"in", "contains"}:
        listed = parts.get("in", [])
        return (
            isinstance(listed, Sequence)
            and not isinstance(listed, str)
            and all(isinstance(text, str) for text in cast("Sequence[object]", listed))
            and isinstance(parts.get("contains", ""), str)
        )
    return parts.keys() <= _COMPARISONS.keys() and all(
        isinstance(bound, int | float) and not isinstance(bound, bool) for bound in parts.values()
    )


def _wrong_condition(key: str) -> dict[str, Any]:
    """Say that the condition of a key fits no type."""
    return {"code": "invalid_union", "errors": [], "index": key, "message": "Invalid input"}


def _zod_type(value: object) -> str:
    """Name the type of a JSON value as zod does."""
    if isinstance(value, list):
        return "array"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    return "null" if value is None else "number"
