"""What a fault is: a name, and a function from the answer that would be to the one that will be."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from random import Random
from typing import TYPE_CHECKING, ParamSpec

from attrs import field, frozen

from aiotofupilot.sandbox.delivery import Delivery
from aiotofupilot.sandbox.request import Question

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Alteration", "Fault", "fault", "harmless", "instead"]

P = ParamSpec("P")

Alteration = Callable[[Delivery, Question, Random], Delivery]
"""What becomes of an answer; chance, where it plays a part, comes from the given source alone."""


@frozen
class Fault:
    """One thing that goes wrong, or several in a row."""

    name: str
    """As it is written in code, such as ``status(503)``."""
    alter: Alteration = field(eq=False)
    """What becomes of an answer that meets it."""
    is_harmless: bool = field(default=False, eq=False)
    """Whether the client reads the same all the same, so that it has no reason to ask again."""

    def __add__(self, other: Fault) -> Fault:
        def alter(delivery: Delivery, request: Question, random: Random) -> Delivery:
            return other.alter(self.alter(delivery, request, random), request, random)

        return Fault(f"{self.name} + {other.name}", alter, self.is_harmless and other.is_harmless)

    def __repr__(self) -> str:
        return self.name


def fault(build: Callable[P, Alteration], *, is_harmless: bool = False) -> Callable[P, Fault]:
    """Turn a function that builds an alteration into one that builds a fault named after the call.

    Args:
        build: The function.
        is_harmless: Whether the client reads the same all the same.
    """

    @wraps(build)
    def make(*args: P.args, **kwargs: P.kwargs) -> Fault:
        details = [*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]
        return Fault(f"{build.__name__}({', '.join(details)})", build(*args, **kwargs), is_harmless)

    return make


def harmless(build: Callable[P, Alteration]) -> Callable[P, Fault]:
    """Do the same for a fault that changes nothing of what the client reads."""
    return fault(build, is_harmless=True)


def instead(status: int, headers: Mapping[str, str], body: bytes) -> Alteration:
    """Send another answer."""
    answer = Delivery.of(status, headers, body)
    return lambda delivery, _request, _random: delivery.with_answer(answer)
