"""Units and the batches that they are made in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aiotofupilot.models import Batch, BatchRef, Unit, UnitRef

from .identity import aware, identify
from .parts import make_part_ref
from .people import user_ref
from .stations import make_station, station_ref

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiotofupilot.models import LastRun, Metadata, Part, Revision, Station, StationRef, User, UserRef

__all__ = ["make_batch", "make_batch_ref", "make_unit", "make_unit_ref"]


def make_batch(
    number: str = "2026-W05",
    *,
    id: str | None = None,  # noqa: A002 - the API's name
    created_at: datetime = datetime(2026, 1, 26, 6, 0, tzinfo=UTC),
    unit_count: int = 1,
    created_by_user: User | UserRef | None = None,
    created_by_station: Station | StationRef | None = make_station(),  # noqa: B008 - a value
) -> Batch:
    """Make a batch, by default one that a station created.

    Args:
        number: Batch number, 1 to 60 characters.
        id: None: a UUID that depends on the other arguments.
        created_at: Timezone-aware.
        unit_count: How many units the batch holds.
        created_by_user: None: no user created it. The listing has no e-mail addresses.
        created_by_station: None: no station created it.

    Raises:
        ValueError: `created_at` is naive.
    """
    creator = user_ref(created_by_user), station_ref(created_by_station)
    created_at = aware("created_at", created_at)
    identity = id or identify("batch", number, created_at, unit_count, creator)
    return Batch(identity, number, created_at, unit_count, *creator)


def make_batch_ref(batch: Batch | None = None) -> BatchRef:
    """Make the reference of a unit to its batch.

    Args:
        batch: The batch. None: the one of `make_batch`.
    """
    batch = batch or make_batch()
    return BatchRef(batch.id, batch.number)


def make_unit(
    serial_number: str = "BAT-2601-00001",
    *,
    id: str | None = None,  # noqa: A002 - the API's name
    created_at: datetime = datetime(2026, 1, 31, 13, 0, tzinfo=UTC),
    sample: str | None = None,
    part: Part | None = None,
    revision: Revision | None = None,
    batch: Batch | None = make_batch(),  # noqa: B008 - a value
    created_by_user: User | UserRef | None = None,
    created_by_station: Station | StationRef | None = make_station(),  # noqa: B008 - a value
    parent: UnitRef | Unit | None = None,
    children: Iterable[UnitRef | Unit] = (),
    last_run: LastRun | None = None,
    metadata: Metadata | None = None,
) -> Unit:
    """Make a unit, by default one of production that a station created.

    Its ID does not depend on `parent`, `children` and `last_run`. So you can make a unit, a run of it, and then the
    same unit again with this run as its latest one.

    Args:
        serial_number: Serial number.
        id: None: a UUID that depends on the other arguments, except those named above.
        created_at: Timezone-aware.
        sample: ``golden``, ``failing``, ``ignored``, or another value. None: a unit of production.
        part: The part of the unit. None: the one of `make_part`.
        revision: Revision of the part. None: the last revision of the part.
        batch: None: it belongs to no batch.
        created_by_user: None: no user created it. The listing has no e-mail addresses.
        created_by_station: None: no station created it.
        parent: The unit that this one is built into. None: it is not built into another unit.
        children: Units that are built into this one.
        last_run: The latest run; see `make_last_run`. None: it was never run.
        metadata: None: the listing did not ask for it.

    Raises:
        ValueError: `created_at` is naive, or the part has no revision, and none is given.
    """
    part_ref = make_part_ref(part, revision)
    batch_ref = None if batch is None else make_batch_ref(batch)
    user, station = user_ref(created_by_user), station_ref(created_by_station)
    created_at = aware("created_at", created_at)
    made_of = (serial_number, created_at, sample, part_ref, batch_ref, user, station, metadata)
    return Unit(
        id=id or identify("unit", *made_of),
        serial_number=serial_number,
        created_at=created_at,
        sample=sample,
        children=tuple(map(make_unit_ref, children)),
        part=part_ref,
        created_by_user=user,
        created_by_station=station,
        batch=batch_ref,
        parent=None if parent is None else make_unit_ref(parent),
        last_run=last_run,
        metadata=metadata,
    )


def make_unit_ref(unit: Unit | UnitRef | None = None) -> UnitRef:
    """Make the reference of an item to a unit.

    Args:
        unit: The unit. None: the one of `make_unit`.
    """
    unit = unit or make_unit()
    return UnitRef(unit.id, unit.serial_number)
