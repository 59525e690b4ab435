"""Decides which request meets which fault: in order, always or at random, for all requests or for those that match.

A request meets every fault of ``always``. Then it meets the first fault of ``next`` that is left for it. If there is
none, it meets the faults that ``randomly`` picks. The pick depends on the seed, the request, and how often the same
request came before. It does not depend on other requests, so concurrent requests meet the same faults in any order of
arrival.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import reduce
from operator import add
from random import Random

from attrs import frozen

from .faults import TRANSIENT, Fault
from .request import Request

Match = Callable[[Request], bool]


@frozen
class _Rule:
    """Faults for the next request that matches, for all requests that match, or for some of them."""

    how: str
    """``next``, ``always``, or the share of requests that meet one of the faults, such as ``25% of``."""
    matches: Match
    faults: tuple[Fault, ...]
    draw: Callable[[Request], Sequence[Fault]] | None = None
    """Returns the faults that one request meets; None: each meets them all."""


class Rules:
    """Which faults some of the requests meet."""

    def __init__(self, rules: list[_Rule], matches: Match) -> None:
        self._rules = rules
        self._matches = matches

    def on(self, match: Match | None = None, **query: object) -> Rules:
        """Return the rules for requests that match, as in ``faults.on(cursor=100).next(reset())``.

        Args:
            match: Returns whether a request matches; None: every request does.
            query: Query parameters with the values that a request must have, compared as text. None: the request must
                not have the parameter.
        """
        wanted = {name: None if value is None else str(value) for name, value in query.items()}

        def matches(request: Request) -> bool:
            return (
                self._matches(request)
                and all(request.query.get(name) == value for name, value in wanted.items())
                and (match is None or match(request))
            )

        return Rules(self._rules, matches)

    def next(self, *faults: Fault, times: int = 1) -> None:
        """Give one fault to each of the next requests, in order. The whole sequence comes `times` times."""
        self._rules += [_Rule("next", self._matches, (fault,)) for fault in faults * times]

    def always(self, *faults: Fault) -> None:
        """Give all of these faults to each request from now on."""
        self._rules += [_Rule("always", self._matches, (fault,)) for fault in faults]

    def randomly(self, *faults: Fault, rate: float, seed: int = 0, heal_after: int | None = None) -> None:
        """Give one of these faults to some requests from now on.

        Args:
            faults: The faults to choose from; without any: `TRANSIENT`.
            rate: The share of requests that meet a fault, 0 to 1.
            seed: Another seed picks other requests.
            heal_after: After this many failed attempts, the same request meets no fault; None: there is no such limit.

        Raises:
            ValueError: `rate` is out of bounds.
        """
        if not 0 <= rate <= 1:
            raise ValueError(f"rate must be from 0 to 1, got {rate}")
        faults = faults or TRANSIENT

        def draw(request: Request) -> Sequence[Fault]:
            random = chance(f"{seed} {faults}", request)
            is_healed = heal_after is not None and request.attempt > heal_after
            return () if is_healed or random.random() >= rate else (random.choice(faults),)

        self._rules.append(_Rule(f"{rate:.0%} of", self._matches, faults, draw))


class Faults(Rules):
    """All faults to come. Without a rule, nothing goes wrong."""

    def __init__(self) -> None:
        super().__init__([], lambda _request: True)

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self._rules.clear()

    @property
    def pending(self) -> list[Fault]:
        """The faults of ``next`` that no request has met yet."""
        return [fault for rule in self._rules if rule.how == "next" for fault in rule.faults]

    def decide(self, request: Request) -> Fault | None:
        """Return the fault of a request, and remove it if it came from ``next``; None: nothing goes wrong.

        Args:
            request: The request.
        """
        rules = [rule for rule in self._rules if rule.matches(request)]
        due = [rule for rule in rules if rule.how == "next"][:1]
        for rule in due:
            with suppress(ValueError):  # another thread may have cleared them meanwhile
                self._rules.remove(rule)
        always = [rule for rule in rules if rule.how == "always"]
        rest = due or [rule for rule in rules if rule.draw]
        met = [fault for rule in (*always, *rest) for fault in (rule.draw(request) if rule.draw else rule.faults)]
        return reduce(add, met) if met else None

    def __repr__(self) -> str:
        rules = [f"{rule.how} {', '.join(map(repr, rule.faults))}" for rule in self._rules]
        return f"<Faults: {'; '.join(rules) or 'none'}>"


def chance(seed: str, request: Request) -> Random:
    """Return a random source for one request. It depends only on the seed, the request and how often it came."""
    return Random(f"{seed} {request.asked} {request.target}")  # noqa: S311 - test data
