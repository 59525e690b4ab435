"""Runs."""

from __future__ import annotations

from datetime import datetime, timedelta  # noqa: TC003 - resolved at run time, to decode by

from msgspec import Struct

from .procedures import User  # noqa: TC001 - likewise

__all__ = ["Run"]


class Named(Struct):
    """A station."""

    id: str
    name: str


class Numbered(Struct):
    """A revision, or a batch."""

    id: str
    number: str


class Version(Struct):
    """A version of a procedure."""

    id: str
    tag: str


class Procedure(Struct):
    """What was run."""

    id: str
    name: str
    version: Version | None


class Part(Struct):
    """What a unit is made as."""

    id: str
    number: str
    name: str
    revision: Numbered


class Unit(Struct, kw_only=True):
    """What was tested."""

    id: str
    serial_number: str
    sample: str | None = None
    part: Part
    batch: Numbered | None = None


class Operator(Struct):
    """Who operated a run."""

    id: str | None = None
    name: str | None = None
    email: str | None = None


class Sequence(Struct):
    """A sequence at the top level of a run."""

    id: str
    path: str
    key: str
    parent_path: str | None
    name: str
    source: str | None
    outcome: str
    started_at: datetime | None
    ended_at: datetime | None
    duration: timedelta | None


class Run(Struct, kw_only=True):
    """An item."""

    id: str
    created_at: datetime
    started_at: datetime
    ended_at: datetime
    duration: timedelta
    outcome: str
    execution_id: str | None = None
    slot_key: str | None = None
    slot_name: str | None = None
    procedure: Procedure
    unit: Unit
    docstring: str | None = None
    created_by_user: User | None = None
    created_by_station: Named | None = None
    operated_by: Operator | None = None
    metadata: dict[str, str | int | float | bool] | None = None
    sequences: tuple[Sequence, ...] | None = None
