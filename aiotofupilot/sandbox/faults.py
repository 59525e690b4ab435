"""Faults that a response can have. Each public function returns a `Fault`.

`unreadable` affects items, on pages and as details: ``sandbox.faults.always(unreadable(62))``. It names items by ID, or
by position in the requested listing, from 0. Positions need cursors that are offsets.

``chunked() + cut()`` applies two faults, the left one first: it ends a chunked body early. Faults with the same code
are equal, so ``request.fault == status(503)`` finds one in the log.

`Faults` assigns faults to all requests or to some: in order, always or at random.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import reduce, wraps
from http import HTTPStatus
from operator import add
from random import Random
from typing import Literal, ParamSpec

from attrs import frozen

from .request import Alteration, Delivery, Fault, Request
from .rest import Refusal, dumps

__all__ = [
    "TRANSIENT",
    "Alteration",
    "Fault",
    "chunked",
    "cut",
    "empty",
    "hang_up",
    "html",
    "json",
    "latency",
    "reset",
    "stall",
    "status",
    "unreadable",
]

_HARMLESS = frozenset({"latency", "chunked"})  # the client still reads the right response

P = ParamSpec("P")


def fault(build: Callable[P, Alteration]) -> Callable[P, Fault]:
    """Make a function that returns an alteration return a fault instead, named after the call."""

    @wraps(build)
    def make(*args: P.args, **kwargs: P.kwargs) -> Fault:
        details = [*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]
        return Fault(f"{build.__name__}({', '.join(details)})", build(*args, **kwargs), build.__name__ in _HARMLESS)

    return make


def instead(status: int, headers: Mapping[str, str], body: bytes) -> Alteration:
    response = Delivery.of(status, headers, body)
    return lambda delivery, _request, _random: delivery.with_response(response)


# The names that tRPC gives to statuses, if Python's differ or depend on its version. The API is built with tRPC.
# https://trpc.io/docs/server/error-handling
_NAMES: Mapping[int, tuple[str, str]] = {
    405: ("METHOD_NOT_SUPPORTED", "Method Not Allowed"),
    408: ("TIMEOUT", "Request Timeout"),
    413: ("PAYLOAD_TOO_LARGE", "Content Too Large"),
    414: ("URI_TOO_LONG", "URI Too Long"),
    416: ("RANGE_NOT_SATISFIABLE", "Range Not Satisfiable"),
    422: ("UNPROCESSABLE_CONTENT", "Unprocessable Content"),
    499: ("CLIENT_CLOSED_REQUEST", "Client Closed Request"),
    **dict.fromkeys((*range(520, 525), 529, 530), ("INTERNAL_SERVER_ERROR", "Error of a Proxy")),
}


@fault
def status(
    code: int,
    *,
    message: str | None = None,
    retry_after: float | datetime | str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Alteration:
    """Respond with an error as the API does.

    Args:
        code: An HTTP status code, or a code that only proxies use: 499, 520 to 524, 529 or 530.
        message: The API's message. None means the standard phrase of the code.
        retry_after: The header ``Retry-After`` in seconds, as an aware date, or as any text. None omits it.
        headers: More headers, such as a wrong ``Date``, or None.
    """
    name, phrase = _NAMES[code] if code in _NAMES else (HTTPStatus(code).name, HTTPStatus(code).phrase)
    wanted = {"Content-Type": "application/json", **(headers or {})}
    if isinstance(retry_after, datetime):
        wanted["Retry-After"] = format_datetime(retry_after.astimezone(UTC), usegmt=True)
    elif retry_after is not None:
        wanted["Retry-After"] = str(retry_after)
    return instead(code, wanted, Refusal(code, name, message or phrase).body)


@fault
def html(code: int = 200, *, headers: Mapping[str, str] | None = None) -> Alteration:
    """Respond with a web page, as proxies do.

    Args:
        code: HTTP status code.
        headers: More headers, or None.
    """
    page = b"<!DOCTYPE html>\n<html><head><title>Please wait</title></head><body><h1>Please wait</h1></body></html>\n"
    return instead(code, {"Content-Type": "text/html; charset=utf-8", **(headers or {})}, page)


@fault
def empty(code: int = 200, *, headers: Mapping[str, str] | None = None) -> Alteration:
    """Respond without a body.

    Args:
        code: HTTP status code.
        headers: The headers, or None.
    """
    return instead(code, headers or {}, b"")


@fault
def json(document: object, code: int = 200) -> Alteration:
    """Respond with another JSON document.

    Args:
        document: The document, of JSON types.
        code: HTTP status code.
    """
    return instead(code, {"Content-Type": "application/json"}, dumps(document))


@fault
def reset(*, after: Literal["request", "headers", "half"] = "request") -> Alteration:
    """Reset the connection.

    Args:
        after: When: after the request, the response's headers, or half of its body.
    """
    if after == "request":
        return lambda delivery, _request, _random: delivery.with_response(Delivery(["reset"]))
    at = 0.0 if after == "headers" else 0.5
    return lambda delivery, _request, _random: Delivery((*delivery.split(at)[0], "reset"))


@fault
def hang_up() -> Alteration:
    """Close the connection in an orderly manner, without a response."""
    return lambda delivery, _request, _random: delivery.with_response(Delivery(["close"]))


@fault
def cut(*, at: float = 0.5, announced: bool = True) -> Alteration:
    """End the body early.

    Args:
        at: The fraction of the body's bytes that is sent, 0 to 1.
        announced: Whether Content-Length counts the whole body, so that the client notices. If not, it counts the part,
            which HTTP then considers complete.
    """

    def alter(delivery: Delivery, _request: Request, _random: Random) -> Delivery:
        part = Delivery(delivery.split(at)[0])
        if announced:
            return Delivery((*part.steps, "close"))
        return part.with_headers({"Content-Length": str(len(part.body))})

    return alter


@fault
def stall(seconds: float, *, inside_body: bool = False) -> Alteration:
    """Pause, and then continue.

    Args:
        seconds: The length of the pause; at least 0.
        inside_body: Whether to pause in the middle of the body. Otherwise the pause comes first.
    """

    def alter(delivery: Delivery, _request: Request, _random: Random) -> Delivery:
        before, after = delivery.split(0.5) if inside_body else ((), delivery.steps)
        return Delivery((*before, seconds, *after))

    return alter


@fault
def latency(seconds: float) -> Alteration:
    """Respond later.

    Args:
        seconds: The delay; at least 0.
    """
    return lambda delivery, _request, _random: Delivery((seconds, *delivery.steps))


@fault
def chunked() -> Alteration:
    """Send the body in chunks."""
    return lambda delivery, _request, _random: delivery.with_headers({"Content-Length": None})


@fault
def unreadable(*items: int | str, by: Fault | None = None) -> Alteration:
    """Apply a fault to each page that holds one of some items, and to the details of these items.

    Args:
        items: Positions or IDs.
        by: The fault, such as ``empty(504)`` or ``stall(60)``. None means ``status(500)``.
    """
    met = status(500) if by is None else by

    return lambda delivery, request, random: met.alter(delivery, request, random) if among(request, items) else delivery


def among(request: Request, items: tuple[int | str, ...]) -> list[tuple[int, str]]:
    """Return the index and the ID of the named items in the response. A detail has the index 0."""
    page = request.page
    if page is None:
        return [(0, item.id) for item in [request.detail] if getattr(item, "id", None) in items]
    return [
        (index, item.id) for index, item in enumerate(page.data) if item.id in items or page.cursor + index in items
    ]


TRANSIENT = (
    status(500),
    html(502),
    status(503, retry_after=0),
    empty(504),
    status(408),
    status(429),
    reset(),
    reset(after="headers"),
    reset(after="half"),
    hang_up(),
    cut(),
    chunked() + cut(),
    cut(announced=False),
    html(),
)
"""The faults that `randomly` picks from by default. None of them takes time."""


Match = Callable[[Request], bool]


@frozen
class _Rule:
    """Faults for the next, all or some matching requests."""

    how: str
    """``next``, ``always``, or a share of the requests, such as ``25% of``."""
    matches: Match
    faults: tuple[Fault, ...]
    draw: Callable[[Request], Sequence[Fault]] | None = None
    """Returns the faults of a request. None means all of them."""


class Rules:
    """The faults of the requests that match."""

    def __init__(self, rules: list[_Rule], matches: Match) -> None:
        self._rules = rules
        self._matches = matches

    def on(self, match: Match | None = None, **query: object) -> Rules:
        """Return the rules for requests that match, as in ``faults.on(cursor=100).next(reset())``.

        Args:
            match: A function that returns whether a request matches. None matches every request.
            query: Required values of query parameters, compared as text. None requires the parameter to be absent.
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
        """Give one fault to each of the next requests, in order. Repeat the sequence `times` times."""
        self._rules += [_Rule("next", self._matches, (fault,)) for fault in faults * times]

    def always(self, *faults: Fault) -> None:
        """Give all of these faults to every request from now on."""
        self._rules += [_Rule("always", self._matches, (fault,)) for fault in faults]

    def randomly(self, *faults: Fault, rate: float, seed: int = 0, heal_after: int | None = None) -> None:
        """Give one of these faults to some requests from now on.

        Args:
            faults: The faults to choose from; by default `TRANSIENT`.
            rate: The share of requests that meet a fault, 0 to 1.
            seed: The seed of the picks.
            heal_after: After this many failed attempts, a request meets no more faults. None sets no limit.

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
    """The faults of all requests, initially none.

    A request meets every fault of ``always``, and then the first remaining fault of ``next``. If none remains, it meets
    the faults of ``randomly``. The latter depend only on the seed, the request, and how often it came before, so
    concurrent requests meet the same faults in any order.
    """

    def __init__(self) -> None:
        super().__init__([], lambda _request: True)

    def clear(self) -> None:
        """Remove all faults."""
        self._rules.clear()

    @property
    def pending(self) -> list[Fault]:
        """The faults of ``next`` that are left."""
        return [fault for rule in self._rules if rule.how == "next" for fault in rule.faults]

    def decide(self, request: Request) -> Fault | None:
        """Return the fault of a request, or None, and remove it if it came from ``next``.

        Args:
            request: The request.
        """
        rules = [rule for rule in self._rules if rule.matches(request)]
        due = [rule for rule in rules if rule.how == "next"][:1]
        for rule in due:
            with suppress(ValueError):  # another thread may have cleared them
                self._rules.remove(rule)
        always = [rule for rule in rules if rule.how == "always"]
        rest = due or [rule for rule in rules if rule.draw]
        met = [fault for rule in (*always, *rest) for fault in (rule.draw(request) if rule.draw else rule.faults)]
        return reduce(add, met) if met else None

    def __repr__(self) -> str:
        rules = [f"{rule.how} {', '.join(map(repr, rule.faults))}" for rule in self._rules]
        return f"<Faults: {'; '.join(rules) or 'none'}>"


def chance(seed: str, request: Request) -> Random:
    """Return randomness that depends only on the seed, the request and how often it came."""
    return Random(f"{seed} {request.asked} {request.target}")  # noqa: S311 - test data
