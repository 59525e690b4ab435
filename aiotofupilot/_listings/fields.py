"""Reads fields of an item, with or without a model. Only an item without a model can hold a value of another type."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from aiotofupilot._wire.moments import read_date_time
from aiotofupilot.errors import DecodeError

if TYPE_CHECKING:
    from aiotofupilot._paging.source import Identified

__all__ = ["creation_in", "moment_in", "text_at"]


def creation_in(item: Identified, field: str) -> datetime:
    """Return the moment in a field that every item has.

    Raises:
        DecodeError: There is no moment in the field.
    """
    return _moment(item, field, _value(item, field))


def moment_in(item: Identified, field: str) -> datetime | None:
    """Return the moment in a field; None: the item has no such moment.

    Raises:
        DecodeError: The field has another value.
    """
    value = _value(item, field)
    return None if value is None else _moment(item, field, value)


def text_at(item: Identified, path: tuple[str, ...]) -> str:
    """Return the string at a path in an item, such as the ID of its run.

    Raises:
        DecodeError: There is no string at the path.
    """
    value: Any = item
    for field in path:
        value = _value(value, field)
    if not isinstance(value, str):
        spelled = ".".join(path)
        raise DecodeError(f"{spelled} of {item.id!r}: expected a string, got {value!r}", path=spelled)
    return value


def _value(item: object, field: str) -> Any:  # noqa: ANN401 - an item without a model can hold anything
    return cast("dict[str, Any]", item).get(field) if isinstance(item, dict) else getattr(item, field, None)


def _moment(item: Identified, field: str, value: Any) -> datetime:  # noqa: ANN401 - likewise
    if isinstance(value, datetime):
        return value
    try:
        return read_date_time(value)
    except (TypeError, ValueError) as error:
        raise DecodeError(f"{field} of {item.id!r}: expected a date-time, got {value!r}", path=field) from error
