"""Makes IDs that depend on the values of an item, and checks moments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar, cast
from uuid import NAMESPACE_URL, uuid5

import attrs

from aiotofupilot.models import Deployment, Log, Measurement, Phase, Run

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["aware", "identified", "identify"]

T = TypeVar("T", Deployment, Log, Measurement, Phase, Run)


def identify(kind: str, *values: object) -> str:
    """Return an ID that depends on values. It does not depend on the names of classes.

    Args:
        kind: What the item is. Items of different kinds have different IDs.
        values: The values of the item.
    """
    return str(uuid5(NAMESPACE_URL, f"https://example.com/{kind}?{_plain(values)!r}"))


def identified(item: T, given: str | None, kind: str, *values: object) -> T:
    """Return an item with its ID.

    Args:
        item: An item without an ID.
        given: The ID. None: an ID that depends on all values of the item.
        kind: What the item is.
        values: More values that the ID depends on.
    """
    return attrs.evolve(item, id=given or identify(kind, item, *values))


def aware(name: str, moment: datetime) -> datetime:
    """Return a moment that is timezone-aware, without its fraction of a millisecond, because the API sends none.

    Raises:
        ValueError: The moment is naive.
    """
    if moment.utcoffset() is None:
        raise ValueError(f"{name} must be timezone-aware, got {moment!r}")
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _plain(value: object) -> object:
    """Return a value without the names of models and the order of mappings."""
    if attrs.has(type(value)):
        value = attrs.astuple(cast("attrs.AttrsInstance", value), recurse=False)
    if isinstance(value, tuple):
        return tuple(_plain(part) for part in cast("tuple[object, ...]", value))
    if isinstance(value, Mapping):
        return sorted(cast("Mapping[str, object]", value).items())
    return value
