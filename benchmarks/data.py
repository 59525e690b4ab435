"""The items that are listed, made up from a seed.

Nothing here comes from the package's sandbox, because the package was developed with the sandbox's data. IDs, names and
dates vary as they do in a factory: names have accents and quotes, lengths differ, and some values are null.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "GAP",
    "NEWEST",
    "NUMBER",
    "TIME",
    "measurements",
    "procedures_of_few",
    "procedures_of_new",
    "run_details",
    "runs",
]

T = TypeVar("T")

NUMBER = "########"
"""Stands for the first eight digits of an ID that no other item has. They follow from the number of the item."""

TIME = "####-##-##T##:##:##.###Z"
"""Stands for the time that sorts an item. It follows from the number of the item too."""

_BEGIN = datetime(2024, 1, 8, 5, 30, tzinfo=UTC)
_SPAN = timedelta(days=1_000)
NEWEST, GAP = _BEGIN + _SPAN, timedelta(seconds=20, milliseconds=7)
"""The time of the first item, and by how much that of each other item lies before the one above it."""

_FIRST = (
    *("Ada", "Aiko", "Amélie", "Bram", "Chen", "Dóra", "Elif", "Farid", "Grace", "Hana", "Ines", "Jonas", "José"),
    *("Katarzyna", "Lars", "Léa", "Mateo", "Nadia", "Olu", "Priya", "Quentin", "Rosa", "Søren", "Tom", "Uma", "Wei"),
)
_LAST = (
    *("Adeyemi", "Bauer", "Berg", "Chopra", "Dubois", "Eriksen", "Fernández", "García", "Haddad", "Ito", "Jansen"),
    *("Kowalska", "Lefèvre", "Moreau", "Müller", "Nguyen", "O'Brien", "Park", "Quist", "Rossi", "Sato", "Tran", "Wu"),
)
_WORDS = (
    *("battery", "board", "buck", "cable", "camera", "charger", "drive", "encoder", "fan", "gateway", "harness"),
    *("inverter", "lidar", "modem", "motor", "oven", "panel", "probe", "pump", "radio", "relay", "sensor", "valve"),
)
_NOT_IN_AN_ADDRESS = re.compile(r"[^a-z.]")


def timestamp(at: datetime) -> str:
    """Write a time as TofuPilot does."""
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def duration(span: timedelta) -> str:
    """Write a duration as TofuPilot does, such as ``PT1M30.732S``."""
    milliseconds = span // timedelta(milliseconds=1)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest / 1000:g}S" if rest else ""
    return f"PT{f'{hours}H' * bool(hours)}{f'{minutes}M' * bool(minutes)}{seconds}"


class Draws:
    """A source of random values.

    Args:
        seed: The same seed yields the same values, on every machine and Python.
    """

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)  # noqa: S311 - made-up data is no secret
        self.choice = self._random.choice
        self.integer = self._random.randint

    def happens(self, share: float) -> bool:
        """Return True in this share of all cases."""
        return self._random.random() < share

    def unless(self, share: float, value: T) -> T | None:
        """Return a value, or None in this share of all cases."""
        return None if self.happens(share) else value

    def some(self, values: Sequence[T], least: int, most: int) -> list[T]:
        """Return some of the values, each at most once, in any order."""
        return self._random.sample(values, self.integer(least, most))

    def number(self, low: float, high: float) -> float:
        """Return a number as instruments report it, with two to six decimals."""
        return round(self._random.uniform(low, high), self.integer(2, 6))

    def id(self) -> str:
        """Return an ID that items may share."""
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def new_id(self) -> str:
        """Return an ID that no other item has."""
        return f"{NUMBER}{self.id()[len(NUMBER) :]}"

    def time(self) -> datetime:
        """Return a time within some years, to the millisecond."""
        return _BEGIN + timedelta(milliseconds=self._random.randrange(_SPAN // timedelta(milliseconds=1)))

    def span(self, shortest: float, longest: float) -> timedelta:
        """Return a duration between two numbers of seconds, to the millisecond."""
        return timedelta(milliseconds=self.integer(int(shortest * 1000), int(longest * 1000)))

    def words(self, count: int, separator: str = " ") -> str:
        """Return words of the trade."""
        return separator.join(self.choice(_WORDS) for _ in range(count))

    def name(self) -> str:
        """Return a person's name."""
        return f"{self.choice(_FIRST)} {self.choice(_LAST)}"

    def person(self, person_id: str) -> dict[str, object]:
        """Return a user as items refer to one. A few have no name, and some hide their address."""
        name = self.name()
        address = f"{_NOT_IN_AN_ADDRESS.sub('', name.lower().replace(' ', '.'))}{self.integer(1, 999)}@example.com"
        return {"id": person_id, "name": self.unless(0.03, name), "email": self.unless(0.1, address)}


_TESTS = (
    *("FVT", "ICT", "End-of-line test", "Burn-in 48 h", "Hi-pot", "Endprüfung", "Calibration", "Boundary scan"),
    *('7" display check', "Leak test", "RF conducted", "Essai de vibration", "Safety ground", "Flash & serialise"),
)
_ORGANIZATIONS = ("volta", "northwind-robotics", "acme", "tidal-instruments", "kestrel")
_PROVIDERS = ("github", "github", "github", "gitlab", "gitlab", "bitbucket")

_NOT_LINKED = 0.125
"""Share of the procedures that have no repository."""


def procedures_of_few() -> Iterator[dict[str, Any]]:
    """Yield procedures without end. They share twelve creators and twenty repositories."""
    draws = Draws("few")
    people = [draws.person(draws.id()) for _ in range(12)]
    repositories = [_repository(draws, draws.id()) for _ in range(20)]
    while True:
        yield _procedure(draws, draws.choice(people), draws.choice(repositories))


def procedures_of_new() -> Iterator[dict[str, Any]]:
    """Yield procedures without end. Each has its own creator and repository."""
    draws = Draws("new")
    while True:
        yield _procedure(draws, draws.person(draws.new_id()), _repository(draws, draws.new_id()))


def _procedure(draws: Draws, person: dict[str, Any], repository: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": draws.new_id(),
        "name": f"{draws.words(draws.integer(1, 3)).capitalize()} {draws.choice(_TESTS)}",
        "created_at": TIME,
        "created_by_user": person,
        "linkedRepository": draws.unless(_NOT_LINKED, repository),
    }


def _repository(draws: Draws, repository_id: str) -> dict[str, Any]:
    name = f"{draws.words(draws.integer(1, 2), '-')}-{draws.integer(1, 9_999)}"
    return {
        "id": repository_id,
        "name": name,
        "fullName": f"{draws.choice(_ORGANIZATIONS)}/{name}",
        "provider": draws.choice(_PROVIDERS),
    }


_UNITS = ("mV", "V", "A", "°C", "dBm", "%", "Ω", "s")
_COLOURS = ("amber", "blue", "green", "red")
_MEASUREMENT_TYPES = ("numeric",) * 14 + ("boolean", "boolean", "string", "string", "multidimensional", "json", "empty")
_MEASUREMENT_OUTCOMES = ("PASS",) * 12 + ("FAIL", "UNSET")
_MEASUREMENTS_A_RUN = 8


def measurements() -> Iterator[dict[str, Any]]:
    """Yield measurements without end, several of each run."""
    draws = Draws("measurements")
    while True:
        run_id, serial_number = draws.id(), f"{draws.words(1)[:3].upper()}-{draws.integer(1, 99_999):05}"
        for _ in range(_MEASUREMENTS_A_RUN):
            yield _measurement(draws, run_id, serial_number)


def _measurement(draws: Draws, run_id: str, serial_number: str) -> dict[str, Any]:
    of_type, outcome = draws.choice(_MEASUREMENT_TYPES), draws.choice(_MEASUREMENT_OUTCOMES)
    value = draws.number(-40, 4_000) if draws.happens(0.8) else draws.integer(-40, 4_000)
    return {
        "id": draws.new_id(),
        "phase_name": draws.words(2).capitalize(),
        "measurement_name": draws.words(draws.integer(1, 3), "_"),
        "started_at": draws.unless(0.02, timestamp(draws.time())),
        "value": value if of_type == "numeric" else None,
        "bool_value": draws.happens(0.9) if of_type == "boolean" else None,
        "string_value": draws.choice(_COLOURS) if of_type == "string" else None,
        "units": draws.choice(_UNITS) if of_type == "numeric" else None,
        "measurement_outcome": outcome,
        "run_id": run_id,
        "serial_number": serial_number,
        "sample": draws.unless(0.95, "golden"),
        "measurement_type": of_type,
        "retry_count": draws.choice((0, 0, 0, 0, 1, 2)),
        "is_final_attempt": draws.happens(0.9),
        "validators": draws.unless(0.1, [_validator(draws, of_type, outcome) for _ in range(draws.integer(1, 2))]),
    }


def _validator(draws: Draws, of_type: str, outcome: str) -> dict[str, Any]:
    operator, expected = _check(draws, of_type)
    expression = "len(x) > 0 and x[0] < 5" if operator is None else f"x {operator} {expected}"
    return {
        "outcome": outcome,
        "operator": operator,
        "expected_value": expected,
        "expression": expression,
        "is_decisive": draws.unless(0.1, draws.happens(0.8)),
        "is_expression_only": operator is None,
        "analytics_expression": None if operator is None else expression,
        "has_custom_expression": draws.happens(0.1),
    }


def _check(draws: Draws, of_type: str) -> tuple[str | None, object]:
    """Return how a value of a type is compared, and with what."""
    match of_type:
        case "numeric" if draws.happens(0.3):
            return "in", [draws.number(-40, 0), draws.integer(1, 4_000)]
        case "numeric":
            operator = draws.choice(("<=", ">=", "<", ">"))
            return operator, draws.number(0, 4_000) if draws.happens(0.6) else draws.integer(0, 4_000)
        case "boolean":
            return "==", True
        case "string" if draws.happens(0.5):
            return "in", draws.some(_COLOURS, 2, 4)
        case "string":
            return "==", draws.choice(_COLOURS)
        case _:
            return None, None


_OUTCOMES = ("PASS",) * 16 + ("FAIL", "FAIL", "ERROR", "TIMEOUT", "ABORTED")
_STEPS = ("power_up", "flash", "calibrate", "rf_conducted", "leak_test", "soak", "functional", "pack_out")
_SAMPLES = ("golden", "failing", "ignored")


@frozen(kw_only=True)
class Factory:
    """What many runs have in common."""

    procedures: list[dict[str, Any]]
    parts: list[dict[str, Any]]
    batches: list[dict[str, Any]]
    stations: list[dict[str, Any]]
    users: list[dict[str, Any]]
    operators: list[dict[str, Any]]


def _factory(draws: Draws) -> Factory:
    known = [draws.person(draws.id()) for _ in range(20)]
    return Factory(
        procedures=[_tested_procedure(draws) for _ in range(20)],
        parts=[_part(draws) for _ in range(40)],
        batches=[{"id": draws.id(), "number": f"2026-W{week:02}"} for week in range(1, 53)],
        stations=[{"id": draws.id(), "name": f"FVT bench {number}"} for number in range(1, 13)],
        users=[draws.person(draws.id()) for _ in range(6)],
        operators=[*known, *({"id": None, "name": f"Shift {shift}", "email": None} for shift in "ABC")],
    )


def _tested_procedure(draws: Draws) -> dict[str, Any]:
    version = {"id": draws.id(), "tag": f"v{draws.integer(0, 9)}.{draws.integer(0, 30)}.{draws.integer(0, 9)}"}
    return {"id": draws.id(), "name": f"{draws.words(2).capitalize()} FVT", "version": draws.unless(0.1, version)}


def _part(draws: Draws) -> dict[str, Any]:
    return {
        "id": draws.id(),
        "number": f"{draws.words(1).upper()}-{draws.integer(100, 99_999)}",
        "name": draws.words(draws.integer(1, 3)).capitalize(),
        "revision": {"id": draws.id(), "number": draws.choice("ABCDEFG")},
    }


def runs() -> Iterator[dict[str, Any]]:
    """Yield runs, without end."""
    draws = Draws("runs")
    factory = _factory(draws)
    while True:
        yield _run(draws, factory)


def _run(draws: Draws, factory: Factory) -> dict[str, Any]:
    began, took = draws.time(), draws.span(20, 5_000)
    ended = began + took
    by_user = draws.happens(0.1)
    slot = draws.integer(1, 8) if draws.happens(0.3) else None
    return {
        "id": draws.new_id(),
        "created_at": TIME,
        "started_at": TIME,
        "ended_at": timestamp(ended),
        "duration": duration(took),
        "outcome": draws.choice(_OUTCOMES),
        "execution_id": None if slot is None else draws.id(),
        "slot_key": None if slot is None else f"slot_{slot}",
        "slot_name": None if slot is None else f"Slot {slot}",
        "procedure": draws.choice(factory.procedures),
        "unit": _unit(draws, factory),
        "docstring": draws.unless(0.5, f"Tests the {draws.words(3)}.\n\nNeeds a {draws.words(1)} at 12 V."),
        "created_by_user": draws.choice(factory.users) if by_user else None,
        "created_by_station": None if by_user else draws.choice(factory.stations),
        "operated_by": draws.choice(factory.operators),
        "metadata": _metadata(draws),
        "sequences": _sequences(draws, began, took),
    }


def _unit(draws: Draws, factory: Factory) -> dict[str, Any]:
    return {
        "id": draws.new_id(),
        "serial_number": f"{draws.words(1)[:3].upper()}-{draws.integer(2401, 2612)}-{draws.integer(1, 99_999):05}",
        "sample": draws.unless(0.95, draws.choice(_SAMPLES)),
        "part": draws.choice(factory.parts),
        "batch": draws.unless(0.05, draws.choice(factory.batches)),
    }


def _metadata(draws: Draws) -> dict[str, Any]:
    known = {
        "shift": draws.choice("ABC"),
        "humidity": draws.number(20, 70),
        "rework": draws.happens(0.1),
        "cycle": draws.integer(1, 90_000),
        "pcb_lot": f"L{draws.integer(1_000, 9_999)}",
        "fixture": f"{draws.words(1)}-{draws.integer(1, 40)}",
    }
    return {key: known[key] for key in draws.some(list(known), 2, len(known))}


def _sequences(draws: Draws, began: datetime, took: timedelta) -> list[dict[str, Any]]:
    keys = draws.some(_STEPS, 2, 5)
    each = took / len(keys)
    return [_sequence(draws, key, began + number * each, each) for number, key in enumerate(keys)]


def _sequence(draws: Draws, key: str, began: datetime, took: timedelta) -> dict[str, Any]:
    skipped = draws.happens(0.03)
    return {
        "id": draws.new_id(),
        "path": key,
        "key": key,
        "parent_path": None,
        "name": key.replace("_", " ").capitalize(),
        "source": draws.unless(0.2, f"./sequences/{key}.yaml"),
        "outcome": "SKIP" if skipped else draws.choice(_OUTCOMES),
        "started_at": None if skipped else timestamp(began),
        "ended_at": None if skipped else timestamp(began + took),
        "duration": None if skipped else duration(took),
    }


_PHASES_OF_A_RUN = 5
_MEASUREMENTS_OF_A_PHASE = 8


def run_details(points: int) -> Iterator[dict[str, Any]]:
    """Yield runs, without end. Each has 40 measurements in 5 phases.

    Args:
        points: One more measurement has this many points, of which each takes some 19 bytes of JSON. 0: there is none.
    """
    draws = Draws("details")
    for run in runs():
        phases = [
            _phase(draws, [_numeric(draws) for _ in range(_MEASUREMENTS_OF_A_PHASE)]) for _ in range(_PHASES_OF_A_RUN)
        ]
        if points:
            phases.append(_phase(draws, [_waveform(draws, points)]))
        yield run | {"config": [], "secrets": [], "phases": phases, "attachments": [], "logs": [], "sub_units": []}


def _phase(draws: Draws, measurements: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": draws.new_id(),
        "name": draws.words(2).capitalize(),
        "outcome": "PASS",
        "started_at": "2026-11-20T09:30:10.000Z",
        "ended_at": "2026-11-20T09:30:31.250Z",
        "duration": "PT21.25S",
        "retry_count": 0,
        "sequence_path": None,
        "measurements": measurements,
        "docstring": None,
    }


def _numeric(draws: Draws) -> dict[str, Any]:
    limit = {
        "outcome": "PASS",
        "operator": "<=",
        "expected_value": 4_000,
        "expression": "x <= 4000",
        "is_decisive": True,
        "is_expression_only": False,
        "analytics_expression": "x <= 4000",
        "has_custom_expression": False,
    }
    return {
        "id": draws.new_id(),
        "name": draws.words(2, "_"),
        "outcome": "PASS",
        "validators": [limit],
        "units": "mV",
        "measured_value": draws.number(-40, 4_000),
        "aggregations": None,
    }


def _waveform(draws: Draws, points: int) -> dict[str, Any]:
    readings = [draws.number(11.9, 12.1) / 3 for _ in range(points)]  # a third has all digits of a double
    return {
        "id": draws.new_id(),
        "name": "output",
        "outcome": "PASS",
        "validators": None,
        "data_series": [{"data": readings, "units": "V", "name": "Output voltage"}],
    }
