"""Procedures as a production line would have them. The same seed makes the same procedures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import TYPE_CHECKING
from uuid import UUID

from aiotofupilot.models import Procedure, Repository, UserRef

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["NEWEST", "endless_procedures", "make_procedures", "named"]

NEWEST = datetime(2026, 1, 30, 16, 45, tzinfo=UTC)

_SUBJECTS = (
    "Battery Pack",
    "Charger",
    "Drone ESC",
    "E-Bike Display",
    "Flight Controller",
    "Gateway PCBA",
    "GNSS Receiver",
    "Infusion Pump",
    "Inverter",
    "IP Camera",
    "LED Driver",
    "LiDAR Module",
    "Motor Controller",
    "Power Supply",
    "Pressure Sensor",
    "Smart Meter",
    "Thermostat",
    "Wireless Module",
)

_STAGES = (
    "AOI",
    "Boundary Scan",
    "Burn-In",
    "Calibration",
    "End-of-Line Test",
    "Firmware Flash",
    "Functional Test",
    "Hi-Pot Test",
    "ICT",
    "Leak Test",
    "RF Test",
    "Vibration Screening",
)

_VARIANTS = ("", "", "", " (Line 2)", " rev B", " rev C", " v2", " - EVT", " - DVT", " - PVT", " – Überprüfung")  # noqa: RUF001 - an en dash, as people type them

_CREATORS = (
    ("Ada Park", "ada.park@example.com"),
    ("Bilal Haddad", "bilal.haddad@example.com"),
    ("Chiara Rossi", "chiara.rossi@example.com"),
    ("Jürgen Weiß", "juergen.weiss@example.com"),
    ("山田 花子", "hanako.yamada@example.com"),
    ("Mina Okafor", None),
    (None, "line-2@example.com"),
    (None, None),
)

_REPOSITORIES = (
    ("eol-tests", "example-energy/eol-tests", "github"),
    ("pcba-bringup", "example-energy/pcba-bringup", "github"),
    ("calibration", "example-metrology/calibration", "gitlab"),
    ("firmware", "example-metrology/embedded/firmware", "gitlab"),
    ("rf-bench", "example-radio/rf-bench", "bitbucket"),
)


def make_procedures(count: int, *, seed: int = 0, nulls: bool = True) -> list[Procedure]:
    """Make plausible procedures, newest first.

    The first ones do not depend on the count: the first 10 of 250 are the same as 10 of 10.

    Args:
        count: How many to make; at least 0.
        seed: Another seed gives other procedures with other ids.
        nulls: Whether names and addresses of the creators may be None.

    Raises:
        ValueError: `count` is negative.
    """
    if count < 0:
        raise ValueError(f"count must be at least 0, got {count}")
    return list(islice(endless_procedures(seed, nulls=nulls), count))


def endless_procedures(seed: int, *, nulls: bool = True) -> Iterator[Procedure]:
    """Yield procedures for `make_procedures`, newest first, without end."""
    random = Random(seed)  # noqa: S311 - test data
    creators = [UserRef(_uuid(random), name, email) for name, email in _CREATORS]
    if not nulls:
        creators = [named(creator) for creator in creators]
    repositories = [Repository(_uuid(random), *repository) for repository in _REPOSITORIES]
    created_at = NEWEST
    while True:
        yield Procedure(
            id=_uuid(random),
            name=f"{random.choice(_SUBJECTS)} {random.choice(_STAGES)}{random.choice(_VARIANTS)}",
            created_at=created_at,
            created_by_user=random.choice(creators),
            linked_repository=random.choice(repositories) if random.random() < 0.6 else None,  # noqa: PLR2004 - many do
        )
        created_at -= timedelta(milliseconds=random.randint(1, 2 * 60 * 60 * 1000))


def named(user: UserRef) -> UserRef:
    """Give a name and an address to a user who has none."""
    return UserRef(user.id, user.name or f"User {user.id[:8]}", user.email or f"{user.id[:8]}@example.com")


def _uuid(random: Random) -> str:
    """Draw a version 4 UUID."""
    return str(UUID(int=random.getrandbits(128), version=4))
