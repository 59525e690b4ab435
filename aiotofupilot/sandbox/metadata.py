"""The filter for metadata. It is one parameter that holds conditions as JSON text.

{"shift": {"in": ["A", "B"]}, "humidity": {"gte": 40, "lt": 60}, "rework": {"eq": true}}
"""

from __future__ import annotations

import json
import operator
from typing import TYPE_CHECKING, Any, cast

from .wire import Complaint, mistyped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiotofupilot.models import Metadata

__all__ = ["conditions", "matches"]

_MOST_KEYS = 5

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "gte": operator.ge,
    "lte": operator.le,
    "gt": operator.gt,
    "lt": operator.lt,
    "eq": operator.eq,
}


def conditions(text: str) -> Mapping[str, Mapping[str, Any]] | None:
    """Read conditions for the values of metadata, by key; None: there are none.

    The official SDK sends an empty text if there are none.

    Raises:
        Complaint: The text is not valid.
    """
    if not text:
        return None
    try:
        document: Any = json.loads(text, parse_constant=_not_json)
    except ValueError:
        raise Complaint(mistyped("record", "string")) from None  # zod sees a text that is not JSON as a string
    if not isinstance(document, dict):
        raise Complaint(mistyped("record", _ZOD_TYPES[type(document)]))
    wanted = cast("dict[str, Any]", document)
    if wrong := [key for key, condition in wanted.items() if not _is_condition(condition)]:
        issue: dict[str, Any] = {"code": "invalid_union", "errors": [], "message": "Invalid input"}
        raise Complaint(*({**issue, "index": key} for key in wrong))
    if len(wanted) > _MOST_KEYS:
        raise Complaint({"code": "custom", "message": f"At most {_MOST_KEYS} metadata keys can be filtered by"})
    return wanted or None


def matches(metadata: Metadata | None, wanted: Mapping[str, Mapping[str, Any]]) -> bool:
    """Return whether metadata meet all conditions. A missing key meets no condition."""
    return metadata is not None and all(
        key in metadata and _meets(metadata[key], condition) for key, condition in wanted.items()
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
            isinstance(listed, list)
            and all(isinstance(text, str) for text in cast("list[object]", listed))
            and isinstance(parts.get("contains", ""), str)
        )
    return parts.keys() <= _COMPARISONS.keys() and all(
        isinstance(bound, int | float) and not isinstance(bound, bool) for bound in parts.values()
    )


def _not_json(constant: str) -> float:
    """Refuse NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(constant)


_ZOD_TYPES: Mapping[type, str] = {
    list: "array",
    bool: "boolean",
    str: "string",
    type(None): "null",
    int: "number",
    float: "number",
}
"""The names that zod has for the types of JSON values."""
