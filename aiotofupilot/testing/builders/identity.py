"""IDs that depend on what an item is made of, and moments that a server can have sent."""

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
    """Return an ID that depends on the values given, and on no name of a class.

    Args:
        kind: What the item is. Items of different kinds have different IDs.
        values: What the item is made of.
    """
    return str(uuid5(NAMESPACE_URL, f"https://example.com/{kind}?{_plain(values)!r}"))


def identified(item: T, given: str | None, kind: str, *values: object) -> T:
    """Return an item with an ID of its own.

    Args:
        item: An item without an ID.
        given: The ID. None: one that depends on everything that the item holds.
        kind: What the item is.
        values: What else the ID depends on.
    """
    return attrs.evolve(item, id=given or identify(kind, item, *values))


def aware(name: str, moment: datetime) -> datetime:
    """Return a moment that is timezone-aware.

    Raises:
        ValueError: It is naive.
    """
    if moment.utcoffset() is None:
        raise ValueError(f"{name} must be timezone-aware, got {moment!r}")
    return moment


def _plain(value: object) -> object:
    """Return what a value holds, without the names of models and the order of mappings."""
    if attrs.has(type(value)):
        value = attrs.astuple(cast("attrs.AttrsInstance", value), recurse=False)
    if isinstance(value, tuple):
        return tuple(_plain(part) for part in cast("tuple[object, ...]", value))
    if isinstance(value, Mapping):
        return sorted(cast("Mapping[str, object]", value).items())
    return value
