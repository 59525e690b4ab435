"""Parts, steps, stations and people of the made-up factory, and its procedures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from aiotofupilot import models
from aiotofupilot.models import Procedure, Repository, UserRef
from aiotofupilot.sandbox.rest import comparison

if TYPE_CHECKING:
    from collections.abc import Iterator

NEWEST = datetime(2026, 1, 30, 16, 45, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
MESSAGES = ("Tighten the ripple limit", "Wait for the fixture", "Read the label twice")  # of commits

_SUBJECTS = (
    "Battery Pack,Charger,Drone ESC,E-Bike Display,Flight Controller,Gateway PCBA,GNSS Receiver,Infusion Pump,Inverter,"
    "IP Camera,LED Driver,LiDAR Module,Motor Controller,Power Supply,Pressure Sensor,Smart Meter,Thermostat,"
    "Wireless Module"
)
_STAGES = (
    "AOI,Boundary Scan,Burn-In,Calibration,End-of-Line Test,Firmware Flash,Functional Test,Hi-Pot Test,ICT,Leak Test,"
    "RF Test,Vibration Screening"
)
_VARIANTS = ",,, (Line 2), rev B, rev C, v2, - EVT, - DVT, - PVT, – Überprüfung"  # noqa: RUF001 - an en dash, as people type them

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

OTHERS = (("Sam Lee", "sam.lee@example.com"), (None, "line-1@example.com"))
"""Names and addresses of people who create no procedures."""
FORMER = models.User(
    "3d2c9f0e-5b1a-4e7d-8c6f-0a9b8c7d6e5f",
    "Robin Former",
    "robin.former@example.com",
    banned=True,
    image="https://example.com/robin.png",
)

_REPOSITORIES = (
    ("example-energy/eol-tests", "github"),
    ("example-energy/pcba-bringup", "github"),
    ("example-metrology/calibration", "gitlab"),
    ("example-metrology/embedded/firmware", "gitlab"),
    ("example-radio/rf-bench", "bitbucket"),
)


PARTS = (
    ("INV-2000", "Inverter 2 kW"),
    ("PSU-120", "Power Supply 120 W"),
    ("BAT-48", "Battery Pack 48 V"),
    ("BMS-48", "Battery Management Board"),
    ("CTL-16", "Control Board"),
    ("GWY-5", "Gateway"),
)
"""Numbers and names of the parts. A unit of every second part holds a unit of the part after it."""
REVISIONS = "ABC"
"""The revisions of each part, the oldest first."""
STATIONS = ("ICT bench 1", "FVT bench 2", "FVT bench 3", "EOL line 1", "Calibration lab", "Repair desk")
"""The names of the stations. The last one has no team."""


class Measured(NamedTuple):
    """A measurement of a step. A number from `low` to `high` passes, and any other value if it is `expected`."""

    name: str
    units: str | None = None
    low: float | None = None
    high: float | None = None
    kind: str = "numeric"
    expected: str | bool | None = None

    @cache  # noqa: B019 - of constants
    def checks(self, outcome: str) -> tuple[models.Validator, ...]:
        """Make the checks for an outcome. Only the last one can fail."""
        bounds = (("==", self.expected), (">=", self.low), ("<=", self.high))
        limits = [limit for limit in bounds if limit[1] is not None]
        return tuple(
            models.Validator(
                outcome="PASS" if outcome == "FAIL" and limit != limits[-1] else outcome,
                operator=limit[0],
                expected_value=limit[1],
                expression=comparison(*limit),
                is_decisive=True,
                is_expression_only=False,
                analytics_expression=comparison(*limit),
                has_custom_expression=False,
            )
            for limit in limits
        )

    def draw(self, random: Random, outcome: str) -> object:
        """Draw a value. A number is within the limits if and only if it passes."""
        if self.kind != "numeric":
            failed = False if self.kind == "boolean" else "unreadable"
            return self.expected if outcome == "PASS" else failed
        least = 0.2 * (self.high or 0.0) if self.low is None else self.low
        most = 1.08 * least if self.high is None else self.high
        share = max(0.02, min(0.98, random.gauss(0.5, 0.12)))
        if outcome == "FAIL":
            share = -share if self.high is None else 1.02 + share
        return round(least + share * (most - least), 4)


_SUPPLY = (Measured("supply_voltage", "V", 11.4, 12.6), Measured("inrush_current", "A", high=3.0))
STEPS: dict[str, tuple[str, tuple[Measured, ...]]] = {
    "Power Up": ("setup", _SUPPLY),
    "Firmware Version": ("setup", (Measured("firmware_version", kind="string", expected="2.4.1"),)),
    "Self Test": ("setup", (Measured("self_test_passed", kind="boolean", expected=True),)),
    "Output Ripple": ("main", (Measured("ripple_pp", "mV", high=50.0), Measured("remark", kind="empty"))),
    "Calibration": ("main", (Measured("gain", low=0.98, high=1.02), Measured("calibration_table", kind="json"))),
    "RF Power": ("main", (Measured("tx_power", "dBm", 17.0), Measured("spectrum", kind="multidimensional"))),
}
"""The phases of every run by name, in their order, with their sequence and their measurements."""


def make_procedures(count: int, *, seed: int = 0, newest: datetime = NEWEST) -> list[Procedure]:
    """Make plausible procedures, newest first.

    The same seed makes the same procedures, whatever the count: a count of 10 makes the first 10 that a count
    of 250 makes.

    Args:
        count: The number of procedures; at least 0.
        seed: The seed of all fields, including ids.
        newest: When the first one was created; timezone-aware.

    Raises:
        ValueError: `count` is negative.
    """
    if count < 0:
        raise ValueError(f"count must be at least 0, got {count}")
    return list(islice(endless_procedures(seed, newest=newest), count))


def endless_procedures(seed: int, *, newest: datetime = NEWEST) -> Iterator[Procedure]:
    """Yield procedures for `make_procedures`, newest first, without end."""
    random = Random(seed)  # noqa: S311 - test data
    creators = [UserRef(uuid(random), name, email) for name, email in _CREATORS]
    repositories = [
        Repository(uuid(random), full_name.rpartition("/")[2], full_name, provider)
        for full_name, provider in _REPOSITORIES
    ]
    subjects, stages, variants = _SUBJECTS.split(","), _STAGES.split(","), _VARIANTS.split(",")
    created_at = newest
    while True:
        yield Procedure(
            id=uuid(random),
            name=f"{random.choice(subjects)} {random.choice(stages)}{random.choice(variants)}",
            created_at=created_at,
            created_by_user=random.choice(creators),
            linked_repository=random.choice(repositories) if random.random() < 0.6 else None,  # noqa: PLR2004 - many do
        )
        created_at -= timedelta(milliseconds=random.randint(1, 2 * 60 * 60 * 1000))


def made_up(kind: str, identity: str) -> Random:
    """Return randomness for something made up about an item."""
    return Random(f"{kind} {identity}")  # noqa: S311 - test data


def uuid(random: Random) -> str:
    """Draw a UUID of version 4."""
    return str(UUID(int=random.getrandbits(128), version=4))
