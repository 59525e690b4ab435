"""Single items as JSON objects, for JSON that does not come from a page.

cattrs is imported when the first item is read or written, because few programs need it here.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

import attrs

from aiotofupilot import models
from aiotofupilot.errors import DecodeError
from aiotofupilot.models import Page

__all__ = ["from_wire", "to_wire"]

T = TypeVar("T")


def from_wire(document: object, model: type[T]) -> T:
    """Return the item for a JSON object in the API's spelling. This is the reverse of `to_wire`.

    Args:
        document: The parsed object, such as a line of a file of JSON lines that the command has written.
        model: The model of the item, such as `Run`.

    Raises:
        DecodeError: The object is not an item of this model. `DecodeError.path` says where the fault is.
        TypeError: ``model`` is not a model of this package.
    """
    from .detailed import FAULTS, detailed_converter, locate  # noqa: PLC0415 - see the module's docstring

    kind: Any = model
    if not (isinstance(kind, type) and attrs.has(kind) and _is_of_models(kind)):
        raise TypeError(f"model must be a model of aiotofupilot, such as Run, got {model!r}")
    try:
        return cast("T", detailed_converter().structure(document, kind))
    except FAULTS as error:
        path, fault = locate(error)
    raise DecodeError(f"{path}: {fault}", path=path)


def to_wire(item: object) -> dict[str, Any]:
    """Return an item in the API's spelling: its keys and order, and dates in UTC with milliseconds and ``Z``.

    A date with a fraction of a millisecond keeps its microseconds, so that `from_wire` returns the same item.

    Args:
        item: A model, such as a `Run`, or a part of one, such as a `RunUnit`.
    """
    from .detailed import wire_converter  # noqa: PLC0415 - see the module's docstring

    return cast("dict[str, Any]", wire_converter().unstructure(item))


def _is_of_models(kind: type[Any]) -> bool:
    """Return whether a class is the model of an item or of a part of one. The class of a page is not."""
    return kind.__module__.startswith(f"{models.__name__}.") and kind.__module__ != Page.__module__
