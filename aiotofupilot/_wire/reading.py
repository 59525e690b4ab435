"""From parsed JSON to a model, for JSON that comes from somewhere else than a page."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import attrs

from aiotofupilot import models
from aiotofupilot.errors import DecodeError
from aiotofupilot.models import Page

__all__ = ["from_wire"]

T = TypeVar("T")


def from_wire(document: object, model: type[T]) -> T:
    """Return the item that a JSON object spells as the API does. It is the way back from `to_wire`.

    Args:
        document: The object, parsed, such as a line of a file that the command has written as JSON lines.
        model: The model of the item, such as `Run`.

    Raises:
        DecodeError: The object is not such an item. `DecodeError.path` says where.
        TypeError: There is no such model.
    """
    from .detailed import FAULTS, detailed_converter, locate  # noqa: PLC0415 - cattrs, which few programs need here

    kind: Any = model
    if not (isinstance(kind, type) and attrs.has(kind) and _is_of_models(kind)):
        raise TypeError(f"model must be a model of aiotofupilot, such as Run, got {model!r}")
    try:
        return cast("T", detailed_converter().structure(document, kind))
    except FAULTS as error:
        path, fault = locate(error)
    raise DecodeError(f"{path}: {fault}", path=path)


def _is_of_models(kind: type[Any]) -> bool:
    """Return whether a class is one of the models. A page is a place for items, and no item."""
    return kind.__module__.startswith(f"{models.__name__}.") and kind.__module__ != Page.__module__
