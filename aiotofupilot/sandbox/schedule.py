"""Which request meets which fault: in order, always, or by chance, for all requests or for those that match.

    sandbox.faults.next(status(503), times=2)
    sandbox.faults.next(reset(), cut(), html())
    sandbox.faults.always(latency(0.05, jitter=0.02))
    sandbox.faults.randomly(*TRANSIENT, rate=0.1, seed=7)
    sandbox.faults.on(cursor=100).next(stall(5))
    sandbox.faults.on(lambda request: request.attempt == 1).always(status(500))
    sandbox.faults.clear()

A request meets every fault that is always there, then the first that is next in line for it or, if none is, those that
chance picks. Chance depends on the seed, on what is asked and on how often it was asked before, not on what else is
going on: concurrent requests meet the same faults in whichever order they arrive.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import reduce
from operator import add
from random import Random
from typing import TYPE_CHECKING

from attrs import frozen

from .faults import TRANSIENT, Fault
from .log import Request

if TYPE_CHECKING:
    from .delivery import Delivery

__all__ = ["Faults", "Match", "Sentence"]

Match = Callable[[Request], bool]


def _anything(_request: Request) -> bool:
    """Match every request."""
    return True


@frozen(eq=False)
class _Certainty:
    """A fault for the next request that matches, or for all that do."""

    matches: Match
    fault: Fault
    once: bool

    def __str__(self) -> str:
        return f"{'next' if self.once else 'always'} {self.fault!r}"


@frozen(eq=False)
class _Chance:
    """Faults for some of the requests that match."""

    matches: Match
    faults: tuple[Fault, ...]
    rate: float
    seed: int
    heal_after: int | None

    def __str__(self) -> str:
        return f"{self.rate:.0%} of {', '.join(map(repr, self.faults))}"

    def draw(self, request: Request) -> list[Fault]:
        """Let chance decide about one request."""
        if self.heal_after is not None and request.attempt > self.heal_after:
            return []
        random = _chance(f"{self.seed} {self.faults}", request)
        return [random.choice(self.faults)] if random.random() < self.rate else []


_Rule = _Certainty | _Chance


class Sentence:
    """The beginning of a sentence about some of the requests."""

    def __init__(self, rules: list[_Rule], matches: Match) -> None:
        self._rules = rules
        self._matches = matches

    def on(self, match: Match | None = None, **query: object) -> Sentence:
        """Speak of requests that match, as in ``faults.on(cursor=100).next(reset())``.

        Args:
            match: Whether a request is meant; None: any.
            query: Query parameters with the values that a request must have, compared as text; None: it must not have
                the parameter.
        """
        wanted = {name: None if value is None else str(value) for name, value in query.items()}

        def matches(request: Request) -> bool:
            return (
                self._matches(request)
                and all(request.query.get(name) == value for name, value in wanted.items())
                and (match is None or match(request))
            )

        return Sentence(self._rules, matches)

    def next(self, *faults: Fault, times: int = 1) -> None:
        """Give one fault to each of the next requests, in order, and all of it `times` times over."""
        self._rules.extend(_Certainty(self._matches, fault, once=True) for fault in faults * times)

    def always(self, *faults: Fault) -> None:
        """Give these faults, all of them, to each request from now on."""
        self._rules.extend(_Certainty(self._matches, fault, once=False) for fault in faults)

    def randomly(self, *faults: Fault, rate: float, seed: int = 0, heal_after: int | None = None) -> None:
        """Give one of these faults to some requests from now on.

        Args:
            faults: To choose from; none given: `TRANSIENT`.
            rate: The share of requests that meet one, 0 to 1.
            seed: Another seed strikes other requests.
            heal_after: How often the same may be asked and meet one, so that an attempt beyond that many succeeds;
                None: chance alone decides each time.

        Raises:
            ValueError: If `rate` is out of bounds.
        """
        if not 0 <= rate <= 1:
            raise ValueError(f"rate must be from 0 to 1, not {rate}")
        self._rules.append(_Chance(self._matches, faults or TRANSIENT, rate, seed, heal_after))


class Faults(Sentence):
    """All faults to come. Nothing goes wrong until a sentence says so."""

    def __init__(self) -> None:
        super().__init__([], _anything)

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self._rules.clear()

    @property
    def pending(self) -> list[Fault]:
        """Faults in line that no request has met yet."""
        return [rule.fault for rule in self._rules if isinstance(rule, _Certainty) and rule.once]

    def decide(self, request: Request) -> Fault | None:
        """Say what a request meets, and take that out of the line; None: nothing goes wrong."""
        rules = [rule for rule in self._rules if rule.matches(request)]
        certain = [rule for rule in rules if isinstance(rule, _Certainty)]
        met = [rule.fault for rule in certain if not rule.once]
        if once := next((rule for rule in certain if rule.once), None):
            with suppress(ValueError):  # another thread may have cleared them meanwhile
                self._rules.remove(once)
            met.append(once.fault)
        else:
            met += [fault for rule in rules if isinstance(rule, _Chance) for fault in rule.draw(request)]
        return reduce(add, met) if met else None

    def alter(self, delivery: Delivery, request: Request) -> Delivery:
        """Let a request meet its fault, which is noted in it, and say what becomes of its answer."""
        request.fault = self.decide(request)
        if request.fault is None:
            return delivery
        return request.fault.alter(delivery, request, _chance("details", request))

    def __repr__(self) -> str:
        return f"<Faults: {'; '.join(map(str, self._rules)) or 'none'}>"


def _chance(seed: str, request: Request) -> Random:
    """Make a source of chance for one request that depends on nothing but what is asked and how often it was."""
    return Random(f"{seed} {request.asked} {request.target}")  # noqa: S311 - test data
