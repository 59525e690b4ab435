"""Products, tests, stations and people of the made-up factory, and its procedures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from attrs import evolve

from aiotofupilot import models
from aiotofupilot.models import Procedure, Repository, UserRef
from aiotofupilot.sandbox.rest import comparison

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NEWEST = datetime(2026, 1, 30, 16, 45, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
PREPARATION = 500 * MILLISECOND  # before the first phase
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


class Product(NamedTuple):
    """A part that the factory makes."""

    number: str
    name: str
    prefix: str  # of its serial numbers
    revisions: str  # one letter each, the oldest first
    share: int  # of the units, relative to other parts
    built_from: tuple[int, ...] = ()  # the indexes of other parts


PARTS = (
    Product("INV-2000", "Inverter 2 kW", "INV", "ABC", 5, (1, 2)),
    Product("PSU-120", "Power Supply 120 W", "PSU", "AB", 4),
    Product("CTL-16", "Control Board", "CTL", "ABCD", 4),
    Product("BAT-48", "Battery Pack 48 V", "BAT", "AB", 3, (4,)),
    Product("BMS-48", "Battery Management Board", "BMS", "ABC", 3),
    Product("GWY-5", "Gateway", "GWY", "A", 2),
    Product("SNS-P1", "Pressure Sensor", "SNS", "AB", 2),
    Product("ESC-40", "Drone ESC 40 A", "ESC", "AB", 1),
)


class Bench(NamedTuple):
    """A station."""

    team: str | None
    failure_rate: float  # of first runs, 0 to 1
    slots: int = 1  # units tested at a time


BENCHES: Mapping[str, Bench] = {
    "ICT bench 1": Bench("Lyon line 1", 0.05),
    "FVT bench 2": Bench("Lyon line 1", 0.34),  # many runs fail because of a worn fixture
    "FVT bench 3": Bench("Lyon line 1", 0.06, slots=2),
    "EOL line 1": Bench("Lyon line 2", 0.04, slots=4),
    "Calibration lab": Bench("Lyon line 2", 0.07),
    "Repair desk": Bench(None, 0.1),
}


class Measured(NamedTuple):
    """A measurement of a step. Numbers pass from `low` to `high`, and other values if `expected`."""

    name: str
    units: str | None = None
    low: float | None = None
    high: float | None = None
    drifts: bool = False  # whether values move towards a limit between recalibrations
    kind: str = "numeric"
    expression: str | None = None  # a handwritten check
    expected: str | bool | tuple[str, ...] | None = None  # each value of a tuple passes

    @cache  # noqa: B019 - of constants
    def checks(self, outcome: str) -> tuple[models.Validator, ...]:
        """Make the checks for an outcome. Only the last limit can fail."""
        equals = "in" if isinstance(self.expected, tuple) else "=="
        bounds = ((equals, self.expected), (">=", self.low), ("<=", self.high))
        limits = [limit for limit in bounds if limit[1] is not None]
        made = [
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
        ]
        if self.expression is not None:
            unknown = ("operator", "expected_value", "is_decisive", "analytics_expression")
            by_hand: dict[str, Any] = dict.fromkeys(unknown)
            by_hand |= {"expression": self.expression, "is_expression_only": True, "has_custom_expression": True}
            made.append(evolve(made[-1], **by_hand))
        return tuple(made)

    def draw(self, random: Random, outcome: str, drift: float) -> object:
        """Draw a value. Exactly the numbers that pass are within the limits. `drift` goes from 0 to 1."""
        if self.kind != "numeric":
            if outcome == "PASS":
                return random.choice(self.expected) if isinstance(self.expected, tuple) else self.expected
            return False if self.kind == "boolean" else "unreadable"
        least = 0.2 * (self.high or 0.0) if self.low is None else self.low
        most = 1.08 * least if self.high is None else self.high
        noise = random.random()
        if outcome == "FAIL":
            position = (1.05 + 0.35 * noise) * (-1 if self.high is None else 1)
        else:
            position = (1.1 * drift - 0.3 if self.drifts else 0.0) + 0.5 * (noise - 0.5)
            position = max(-0.97, min(0.97, position))
        return round((least + most) / 2 + position * (most - least) / 2, 4)


class Step(NamedTuple):
    """A phase that a procedure may have."""

    name: str
    sequence: str  # its path
    milliseconds: int
    measures: tuple[Measured, ...]


_SUPPLY = (Measured("supply_voltage", "V", 11.4, 12.6, drifts=True), Measured("inrush_current", "A", high=3.0))
_GAIN = (
    Measured("gain", low=0.98, high=1.02, drifts=True),
    Measured("offset", "mV", -5.0, 5.0, expression="abs(x) <= 5"),
    Measured("calibration_table", kind="json"),
)
_POWER = (Measured("tx_power", "dBm", 17.0, 20.0), Measured("spectrum", kind="multidimensional"))
_LABEL = (Measured("label", kind="string", expected=("L1", "L2")), Measured("remark", kind="empty"))

TESTS = (
    Step("Power Up", "setup", 8000, _SUPPLY),
    Step("Firmware Version", "setup", 3000, (Measured("firmware_version", kind="string", expected="2.4.1"),)),
    Step("Self Test", "setup", 5000, (Measured("self_test_passed", kind="boolean", expected=True),)),
    Step("Output Ripple", "main", 21000, (Measured("ripple_pp", "mV", high=50.0, drifts=True),)),
    Step("Efficiency", "main", 15000, (Measured("efficiency", "%", low=92.0),)),
    Step("Leakage Current", "main", 12000, (Measured("leakage_current", "uA", high=250.0),)),
    Step("Calibration", "main", 18000, _GAIN),
    Step("RF Power", "main", 9000, _POWER),
    Step("Temperature Rise", "main", 30000, (Measured("temperature", "°C", high=85.0),)),
    Step("Visual Inspection", "main", 6000, _LABEL),
)
"""The steps of procedures, in the order of a run. Those of a sequence are adjacent."""


def make_procedures(count: int, *, seed: int = 0, nulls: bool = True, newest: datetime = NEWEST) -> list[Procedure]:
    """Make plausible procedures, newest first.

    The same seed makes the same procedures, whatever the count: the first 10 of 250 are those of 10.

    Args:
        count: The number of procedures; at least 0.
        seed: The seed of all fields, including ids.
        nulls: Whether names and addresses of creators may be None.
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


def named(user: UserRef) -> UserRef:
    """Fill in a missing name or address."""
    return UserRef(user.id, user.name or f"User {user.id[:8]}", user.email or f"{user.id[:8]}@example.com")


def made_up(kind: str, identity: str) -> Random:
    """Return randomness for something made up about an item."""
    return Random(f"{kind} {identity}")  # noqa: S311 - test data


def uuid(random: Random) -> str:
    """Draw a UUID of version 4, in two thirds of the time that `uuid.UUID` takes."""
    digits = f"{random.getrandbits(128):032x}"
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
