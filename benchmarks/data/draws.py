"""Single values, drawn at random from a seed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["NUMBER", "Draws", "duration", "moment"]

T = TypeVar("T")

NUMBER = "########"
"""Stands for the first eight digits of an ID that no other item has. They follow from the number of the item."""

_BEGIN = datetime(2024, 1, 8, 5, 30, tzinfo=UTC)
_SPAN = timedelta(days=1_000)

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


def moment(at: datetime) -> str:
    """Spell a moment as TofuPilot does."""
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def duration(span: timedelta) -> str:
    """Spell a duration as TofuPilot does, such as ``PT1M30.732S``."""
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

    def moment(self) -> datetime:
        """Return a moment within some years, to the millisecond."""
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
