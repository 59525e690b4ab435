"""Procedures as a production line would have them. The same seed makes the same procedures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import TYPE_CHECKING

from aiotofupilot.models import Procedure, Repository, UserRef

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["NEWEST", "endless_procedures", "make_procedures", "named", "uuid"]

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


def make_procedures(count: int, *, seed: int = 0, nulls: bool = True, newest: datetime = NEWEST) -> list[Procedure]:
    """Make plausible procedures, newest first.

    The first ones do not depend on the count: the first 10 of 250 are the same as 10 of 10.

    Args:
        count: How many to make; at least 0.
        seed: Another seed gives other procedures with other ids.
        nulls: Whether names and addresses of the creators may be None.
        newest: When the first one was created; timezone-aware.

    Raises:
        ValueError: `count` is negative.
    """
    if count < 0:
        raise ValueError(f"count must be at least 0, got {count}")
    return list(islice(endless_procedures(seed, nulls=nulls, newest=newest), count))


def endless_procedures(seed: int, *, nulls: bool = True, newest: datetime = NEWEST) -> Iterator[Procedure]:
    """Yield procedures for `make_procedures`, newest first, without end."""
    random = Random(seed)  # noqa: S311 - test data
    creators = [UserRef(uuid(random), name, email) for name, email in _CREATORS]
    if not nulls:
        creators = [named(creator) for creator in creators]
    repositories = [Repository(uuid(random), *repository) for repository in _REPOSITORIES]
    created_at = newest
    while True:
        yield Procedure(
            id=uuid(random),
            name=f"{random.choice(_SUBJECTS)} {random.choice(_STAGES)}{random.choice(_VARIANTS)}",
            created_at=created_at,
            created_by_user=random.choice(creators),
            linked_repository=random.choice(repositories) if random.random() < 0.6 else None,  # noqa: PLR2004 - many do
        )
        created_at -= timedelta(milliseconds=random.randint(1, 2 * 60 * 60 * 1000))


def named(user: UserRef) -> UserRef:
    """Give a name and an address to a user who has none."""
    return UserRef(user.id, user.name or f"User {user.id[:8]}", user.email or f"{user.id[:8]}@example.com")


def uuid(random: Random) -> str:
    """Draw a UUID of version 4."""
    digits = f"{random.getrandbits(128):032x}"
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
