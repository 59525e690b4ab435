"""Parts and their revisions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aiotofupilot.models import Part, PartRef, Revision

from .identity import aware, identify

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiotofupilot.models import Metadata

__all__ = ["make_part", "make_part_ref", "make_revision"]


def make_revision(
    number: str = "A",
    *,
    id: str | None = None,  # noqa: A002 - the API's name
    part_number: str = "BAT-1000",
) -> Revision:
    """Make a revision of a part.

    Args:
        number: Revision number, 1 to 60 characters.
        id: None: a UUID that depends on the other arguments.
        part_number: Number of the part.
    """
    return Revision(id or identify("revision", part_number, number), number)


def make_part(
    number: str = "BAT-1000",
    *,
    id: str | None = None,  # noqa: A002 - the API's name
    name: str = "Battery pack",
    created_at: datetime = datetime(2025, 9, 1, 8, 0, tzinfo=UTC),
    revisions: Iterable[Revision] | None = None,
    metadata: Metadata | None = None,
) -> Part:
    """Make a part, by default one with a single revision.

    Args:
        number: Part number, 1 to 60 characters.
        id: None: a UUID that depends on the other arguments.
        name: Display name.
        created_at: Timezone-aware.
        revisions: All revisions of the part. None: the one that `make_revision` makes for the part number.
        metadata: None: the listing did not ask for it.

    Raises:
        ValueError: `created_at` is naive.
    """
    revisions = (make_revision(part_number=number),) if revisions is None else tuple(revisions)
    created_at = aware("created_at", created_at)
    identity = id or identify("part", number, name, created_at, revisions, metadata)
    return Part(identity, number, name, created_at, revisions, metadata)


def make_part_ref(part: Part | None = None, revision: Revision | None = None) -> PartRef:
    """Make the reference of a unit to its part and revision.

    Args:
        part: The part. None: the one of `make_part`.
        revision: The revision of the unit. None: the last revision of the part.

    Raises:
        ValueError: The part has no revision, and none is given.
    """
    part = part or make_part()
    if revision is None:
        if not part.revisions:
            raise ValueError(f"revision must be given, because the part {part.number!r} has no revision")
        revision = part.revisions[-1]
    return PartRef(part.id, part.number, part.name, revision)
