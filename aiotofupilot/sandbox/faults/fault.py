"""A fault has a name, and a function that alters an answer."""

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
"""A function that returns the altered answer. All randomness comes from the `Random` that it is given."""


@frozen
class Fault:
    """Something that goes wrong with an answer. It may consist of several faults."""

    name: str
    """The fault as it is written in code, such as ``status(503)``."""
    alter: Alteration = field(eq=False)
    """Alters an answer."""
    is_harmless: bool = field(default=False, eq=False)
    """Whether the client still reads the right answer, so that it has no reason to ask again."""

    def __add__(self, other: Fault) -> Fault:
        def alter(delivery: Delivery, request: Question, random: Random) -> Delivery:
            return other.alter(self.alter(delivery, request, random), request, random)

        return Fault(f"{self.name} + {other.name}", alter, self.is_harmless and other.is_harmless)

    def __repr__(self) -> str:
        return self.name


def fault(build: Callable[P, Alteration], *, is_harmless: bool = False) -> Callable[P, Fault]:
    """Turn a function that returns an alteration into one that returns a fault. The fault is named after the call.

    Args:
        build: The function.
        is_harmless: Whether the client still reads the right answer.
    """

    @wraps(build)
    def make(*args: P.args, **kwargs: P.kwargs) -> Fault:
        details = [*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]
        return Fault(f"{build.__name__}({', '.join(details)})", build(*args, **kwargs), is_harmless)

    return make


def harmless(build: Callable[P, Alteration]) -> Callable[P, Fault]:
    """Do the same as `fault`, for a fault after which the client still reads the right answer."""
    return fault(build, is_harmless=True)


def instead(status: int, headers: Mapping[str, str], body: bytes) -> Alteration:
    """Return an alteration that replaces the answer."""
    answer = Delivery.of(status, headers, body)
    return lambda delivery, _request, _random: delivery.with_answer(answer)
