"""Checks arguments, and encodes filters as a query. The type of an argument decides how.

A sequence repeats the name. A date-time is sent in UTC with milliseconds, rounded so that no item is left out. A
duration is sent in ISO 8601, and a condition on metadata as JSON. A member of a ``(str, Enum)`` is sent as its value,
whatever ``str()`` returns.

Errors follow the rules of `_checks`, but name the path, such as ``ids[1]``.

Sources: https://www.tofupilot.com/docs/api/v2 and the official Python SDK ``tofupilot`` 2.26.1
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast, get_args, get_origin

from aiotofupilot._checks import as_str, aware, boolean, for_parameter, integer, must_be, one_of
from aiotofupilot._paging.source import MILLISECOND, moved
from aiotofupilot._wire.times import format_date_time, format_duration, read_date_time
from aiotofupilot.positions import Checkpoint

from ._arguments import Argument, Bounds, ExtraQuery, MetadataFilter

Pairs = tuple[tuple[str, str], ...]
"""Names and values of a query, in order. A parameter with several values repeats its name."""


def check_names(listing: str, given: Mapping[str, object], taken: Sequence[Argument]) -> None:
    """Raise a `TypeError` for an unknown or missing argument of a ``list()``."""
    names = {argument.name for argument in taken}
    if unknown := given.keys() - names:
        raise TypeError(f"{listing}.list() got an unexpected keyword argument {min(unknown)!r}")
    for argument in taken:
        if argument.is_required and argument.name not in given:
            raise TypeError(f"{listing}.list() lacks the required argument {argument.name!r}")


def checked(argument: Argument, value: object) -> Any:  # noqa: ANN401 - of the type that the argument has
    """Check an argument, and return a plain value of its type, a list of them, or None if it is optional."""
    if value is None and argument.is_optional:
        return None
    try:
        return _checked(argument.type, argument.name, value, argument.bounds or Bounds())
    except (TypeError, ValueError) as error:
        for_parameter(error, argument.name)
        raise


def query_of(filters: Sequence[Argument], given: Mapping[str, object]) -> Pairs:
    """Return the query for some arguments, in the order of ``filters``. None is left out."""
    values = {
        argument.name: checked(argument, given.get(argument.name))
        for argument in filters
        if argument.is_required or given.get(argument.name) is not None
    }
    for name, value in values.items():
        for end, other_end, relation in (("_after", "_before", "later"), ("_min", "_max", "more")):
            other = name.removesuffix(end) + other_end
            if name.endswith(end) and other in values and value > values[other]:
                message = f"{name} must not be {relation} than {other}, got {value} and {values[other]}"
                raise for_parameter(ValueError(message), name)
    return tuple((name, text) for name, value in values.items() for text in _texts(name, value))


def _texts(name: str, value: object) -> list[str]:
    """Return the texts to send for a checked value, one per repetition of its name."""
    match value:
        case list():
            return [text for one in cast("list[object]", value) for text in _texts(name, one)]
        case str():
            return [value]
        case datetime():
            return [format_date_time(value, round_up=name.endswith("_before"))]
        case timedelta():
            return [format_duration(value)]
        case _:
            return [] if value == {} else [json.dumps(value, separators=(",", ":"))]


def _checked(kind: object, path: str, value: object, bounds: Bounds) -> object:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Sequence:
        return [_checked(inner[0], at, one, bounds) for at, one in _elements(path, value)]
    if origin is Literal:
        return one_of(path, _string(path, value), inner)
    if kind is str:
        return _string(path, value, at_most=bounds.high)
    if kind == int | Checkpoint:
        if isinstance(value, Checkpoint):
            return value
        if isinstance(value, str):
            raise TypeError(f"{path} must be an integer or a Checkpoint, got {value!r}: use Checkpoint.parse()")
        kind = int
    if kind is int:
        return integer(path, value, low=bounds.low or 0, high=bounds.high)
    return _CHECKS[kind](path, value)


def _string(path: str, value: object, *, at_most: int | None = None) -> str:
    if not isinstance(value, str):
        raise must_be(TypeError, path, "a string", value)
    sent = as_str(value)
    try:
        length = len(sent.encode("utf-16-le")) // 2
    except UnicodeEncodeError as error:
        raise ValueError(f"{path} has half a surrogate pair and cannot be sent, got {sent!r}") from error
    if at_most is not None and length > at_most:
        raise ValueError(f"{path} must have at most {at_most} characters, got {length}")
    return sent


def _elements(path: str, values: object) -> list[tuple[str, object]]:
    if isinstance(values, str | bytes | bytearray | memoryview | Mapping) or not isinstance(values, Iterable):
        raise TypeError(f"{path} must be a list or another iterable of strings, got {values!r}")
    return [(f"{path}[{at}]", value) for at, value in enumerate(cast("Iterable[object]", values))]


def _duration(path: str, value: object) -> timedelta:
    if not isinstance(value, timedelta):
        raise must_be(TypeError, path, "a timedelta", value)
    if value < timedelta():
        raise must_be(ValueError, path, "at least timedelta(0)", value)
    return value


def _number(path: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise must_be(TypeError, path, "a number", value)
    if not abs(value) <= sys.float_info.max:
        raise must_be(ValueError, path, "a finite number", value)
    return float(value)


def _parameters(path: str, value: object) -> Pairs:
    """Check parameters that this package does not know. ``path`` names the mapping in errors."""
    pairs: list[tuple[str, str]] = []
    for key, given in _mapping(path, value).items():
        name = _string(f"a key of {path}", key)
        if not name:
            raise must_be(ValueError, f"a key of {path}", "the name of a parameter", name)
        at = f"{path}[{name!r}]"
        if not isinstance(given, Iterable):
            raise must_be(TypeError, at, "a string or an iterable of strings", given)
        values = [(at, given)] if isinstance(given, str) else _elements(at, cast("object", given))
        pairs += ((name, _string(where, one)) for where, one in values)
    return tuple(pairs)


_METADATA_KEYS = 5


def _metadata(path: str, value: object) -> dict[str, object]:
    """Return a `MetadataFilter` as it is sent. An empty mapping is no filter."""
    conditions = _mapping(path, value)
    if len(conditions) > _METADATA_KEYS:
        raise ValueError(f"{path} must have at most {_METADATA_KEYS} keys, got {len(conditions)}")
    return {
        _string(f"a key of {path}", key): _condition(f"{path}[{key!r}]", condition)
        for key, condition in conditions.items()
    }


def _mapping(path: str, value: object) -> Mapping[object, object]:
    if not isinstance(value, Mapping):
        raise must_be(TypeError, path, "a mapping", value)
    return cast("Mapping[Any, object]", value)


def _strings(path: str, value: object) -> list[str]:
    elements = _elements(path, value)
    if not elements:
        raise ValueError(f"{path} must name at least one string, got {value!r}")
    return [_string(at, one) for at, one in elements]


_COMPARISONS: Mapping[str, Callable[[str, object], object]] = dict.fromkeys(("gte", "lte", "gt", "lt", "eq"), _number)
_OF_TEXTS: Mapping[str, Callable[[str, object], object]] = {"in": _strings, "contains": _string}


def _condition(path: str, value: object) -> dict[str, object]:
    condition = _mapping(path, value)
    if {*condition} == {"eq"} and isinstance(condition["eq"], bool):
        return {"eq": condition["eq"]}
    for operators in (_OF_TEXTS, _COMPARISONS):
        if condition and condition.keys() <= operators.keys():
            given = (name for name in operators if name in condition)
            return {name: operators[name](f"{path}[{name!r}]", condition[name]) for name in given}
    bound = "{'in': [...]}, {'contains': ...}, {'eq': ...}, or comparisons by " + ", ".join(_COMPARISONS)
    raise must_be(ValueError, path, bound, value)


_CHECKS: Mapping[object, Callable[[str, object], object]] = {
    bool: boolean,
    datetime: aware,
    float: _number,
    timedelta: _duration,
    ExtraQuery: _parameters,
    MetadataFilter: _metadata,
}
"""The check for each type of argument."""


def replaced(pairs: Pairs, *new: tuple[str, str]) -> Pairs:
    """Return a query with new parameters in place of those with the same names."""
    names = {name for name, _ in new}
    return (*(pair for pair in pairs if pair[0] not in names), *new)


def bounded(pairs: Pairs, name: str, after: datetime | None, before: datetime | None = None) -> Pairs:
    """Narrow a query to the items between two times, with a millisecond more on each side.

    The API may store finer times than the milliseconds that it shows, and "after" may exclude the time itself. So the
    caller has to check the time of each item. The query's own bounds still hold.
    """
    bounds: dict[str, str] = {}
    if after is not None:
        bounds[f"{name}_after"] = format_date_time(moved(after.astimezone(UTC), -MILLISECOND))
    if before is not None:
        bounds[f"{name}_before"] = format_date_time(moved(before.astimezone(UTC), MILLISECOND), round_up=True)
    for key, own in pairs:
        if key in bounds:
            choose = max if key.endswith("_after") else min
            bounds[key] = choose(own, bounds[key], key=read_date_time)
    return (*(pair for pair in pairs if pair[0] not in bounds), *bounds.items())
