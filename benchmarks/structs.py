"""The items as msgspec's structs: the same fields and types as this package's models, written out for msgspec alone.

Only the process that measures msgspec imports this module.
"""

from __future__ import annotations

from datetime import datetime, timedelta  # noqa: TC003 - resolved at run time, to decode by
from typing import Generic, TypeVar

from msgspec import Struct, field

__all__ = ["Measurement", "Page", "Procedure", "Run"]

T = TypeVar("T")


class Meta(Struct):
    """What a page says about the rest of its listing."""

    has_more: bool
    next_cursor: int | None = None


class Page(Struct, Generic[T]):
    """A page."""

    data: list[T]
    meta: Meta


class User(Struct):
    """Who created an item."""

    id: str
    name: str | None = None
    email: str | None = None


class Repository(Struct):
    """Where a procedure's source is."""

    id: str
    name: str
    full_name: str = field(name="fullName")
    provider: str | None = None


class Procedure(Struct):
    """An item of procedures."""

    id: str
    name: str
    created_at: datetime
    created_by_user: User | None = None
    linked_repository: Repository | None = field(name="linkedRepository", default=None)


class Validator(Struct):
    """One check of a value."""

    outcome: str
    operator: str | None
    expected_value: bool | int | float | str | tuple[int | float | str, ...] | None
    expression: str
    is_decisive: bool | None
    is_expression_only: bool
    analytics_expression: str | None
    has_custom_expression: bool


class Measurement(Struct):
    """An item of measurements."""

    id: str
    phase_name: str
    measurement_name: str
    started_at: datetime | None
    value: int | float | None
    bool_value: bool | None
    string_value: str | None
    units: str | None
    measurement_outcome: str
    run_id: str
    serial_number: str | None
    sample: str | None
    measurement_type: str
    retry_count: int
    is_final_attempt: bool
    validators: tuple[Validator, ...] | None


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


class TestedProcedure(Struct):
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
    """An item of runs."""

    id: str
    created_at: datetime
    started_at: datetime
    ended_at: datetime
    duration: timedelta
    outcome: str
    execution_id: str | None = None
    slot_key: str | None = None
    slot_name: str | None = None
    procedure: TestedProcedure
    unit: Unit
    docstring: str | None = None
    created_by_user: User | None = None
    created_by_station: Named | None = None
    operated_by: Operator | None = None
    metadata: dict[str, str | int | float | bool] | None = None
    sequences: tuple[Sequence, ...] | None = None
