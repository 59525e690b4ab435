"""Filters of a listing. Each function checks one argument, or both ends of a range, and returns the pairs of a query.

None means no filter, and gives no pairs. A member of a ``(str, Enum)`` is sent as its value, whatever ``str()`` returns
for it.

An argument of the wrong type raises a TypeError. An argument that is out of bounds raises a ValueError. Both messages
name the parameter, its bound and the value. Both errors have the name of the parameter as the attribute ``parameter``.

Sources: https://www.tofupilot.com/docs/api/v2 and the official Python SDK ``tofupilot`` 2.26.1
"""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from aiotofupilot import _arguments
from aiotofupilot._arguments import named
from aiotofupilot._wire.spelling import spell_date_time, spell_duration

from . import checks

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiotofupilot._wire.query import Pairs

__all__ = [
    "boolean",
    "choice",
    "choices",
    "count_range",
    "duration_range",
    "metadata",
    "moment_range",
    "number_range",
    "string",
    "strings",
]

N = TypeVar("N", int, float, timedelta)


def string(name: str, value: object, *, at_most: int | None = None, required: bool = False) -> Pairs:
    """Spell a string.

    Args:
        name: The parameter.
        value: The argument.
        at_most: The greatest length in UTF-16 code units. The server counts characters in this way.
        required: Whether None is refused.
    """
    return () if value is None and not required else ((name, checks.text(name, value, name, at_most=at_most)),)


def strings(name: str, values: object) -> Pairs:
    """Spell any number of strings, one pair each. An empty iterable is no filter."""
    return tuple((name, checks.text(place, value, name)) for place, value in checks.elements(name, values, name))


def choice(name: str, value: object, allowed: tuple[str, ...]) -> Pairs:
    """Spell one of a few strings.

    Args:
        name: The parameter.
        value: The argument.
        allowed: The strings, such as the arguments of a Literal.
    """
    return () if value is None else ((name, checks.one_of(name, value, name, allowed)),)


def choices(name: str, values: object, allowed: tuple[str, ...]) -> Pairs:
    """Spell any number of a few strings, one pair each. An empty iterable is no filter.

    Args:
        name: The parameter.
        values: The argument.
        allowed: The strings, such as the arguments of a Literal.
    """
    elements = checks.elements(name, values, name)
    return tuple((name, checks.one_of(place, value, name, allowed)) for place, value in elements)


def boolean(name: str, value: object) -> Pairs:
    """Spell a truth value. Neither a number nor a string is one."""
    return () if value is None else ((name, "true" if _arguments.boolean(name, value) else "false"),)


def moment_range(name: str, after: object, before: object) -> Pairs:
    """Spell ``{name}_after`` and ``{name}_before``, in UTC with milliseconds.

    The first is rounded down and the second is rounded up, so rounding leaves no item out.

    Args:
        name: The beginning of the names of both parameters.
        after: A datetime that is timezone-aware.
        before: A datetime that is timezone-aware, and not earlier than `after`.
    """
    first, last = f"{name}_after", f"{name}_before"
    since = None if after is None else checks.moment(first, after)
    until = None if before is None else checks.moment(last, before)
    if since is not None and until is not None and since > until:
        raise named(ValueError(f"{first} must not be later than {last}, got {after} and {before}"), first)
    pairs: Pairs = () if since is None else ((first, spell_date_time(since)),)
    return pairs if until is None else (*pairs, (last, spell_date_time(until, round_up=True)))


def duration_range(name: str, low: object, high: object) -> Pairs:
    """Spell ``{name}_min`` and ``{name}_max``, both timedeltas of at least zero, in ISO 8601."""
    return _range(name, low, high, checks.duration, spell_duration)


def number_range(name: str, low: object, high: object) -> Pairs:
    """Spell ``{name}_min`` and ``{name}_max``, both finite numbers."""
    return _range(name, low, high, lambda parameter, value: checks.number(parameter, value, parameter), str)


def count_range(name: str, low: object, high: object) -> Pairs:
    """Spell ``{name}_min`` and ``{name}_max``, both integers of at least 0."""
    return _range(name, low, high, partial(_arguments.integer, low=0), str)


def metadata(name: str, value: object) -> Pairs:
    """Spell a metadata filter: a mapping of at most 5 keys to conditions. It is sent as one JSON value.

    A condition is ``{"in": [str, ...]}``, ``{"contains": str}``, ``{"eq": bool}``, or any of ``gte``, ``lte``, ``gt``,
    ``lt`` and ``eq``, each with a number. An empty mapping is no filter.
    """
    if value is None:
        return ()
    conditions = checks.mapping(name, value, name)
    if len(conditions) > _METADATA_KEYS:
        raise named(ValueError(f"{name} must have at most {_METADATA_KEYS} keys, got {len(conditions)}"), name)
    document = {
        checks.text(f"a key of {name}", key, name): _condition(f"{name}[{key!r}]", condition, name)
        for key, condition in conditions.items()
    }
    return ((name, json.dumps(document, separators=(",", ":"))),) if document else ()


_METADATA_KEYS = 5

_COMPARISONS = ("gte", "lte", "gt", "lt", "eq")


def _condition(place: str, value: object, parameter: str) -> dict[str, object]:
    condition = checks.mapping(place, value, parameter)
    match condition:
        case {"in": texts, **others} if not others:
            elements = checks.elements(f"{place}['in']", texts, parameter)
            if not elements:
                raise named(ValueError(f"{place}['in'] must name at least one string, got {texts!r}"), parameter)
            return {"in": [checks.text(at, one, parameter) for at, one in elements]}
        case {"contains": text, **others} if not others:
            return {"contains": checks.text(f"{place}['contains']", text, parameter)}
        case {"eq": bool(wanted), **others} if not others:
            return {"eq": wanted}
        case _ if condition and all(operator in _COMPARISONS for operator in condition):
            return {
                operator: checks.number(f"{place}[{operator!r}]", condition[operator], parameter)
                for operator in _COMPARISONS
                if operator in condition
            }
        case _:
            raise named(
                ValueError(
                    f"{place} must be {{'in': [...]}}, {{'contains': ...}}, {{'eq': ...}}, "
                    f"or comparisons by {', '.join(_COMPARISONS)}, got {value!r}"
                ),
                parameter,
            )


def _range(name: str, low: object, high: object, check: Callable[[str, object], N], spell: Callable[[N], str]) -> Pairs:
    first, last = f"{name}_min", f"{name}_max"
    least = None if low is None else check(first, low)
    most = None if high is None else check(last, high)
    if least is not None and most is not None and least > most:
        raise named(ValueError(f"{first} must not be more than {last}, got {least} and {most}"), first)
    pairs: Pairs = () if least is None else ((first, spell(least)),)
    return pairs if most is None else (*pairs, (last, spell(most)))
