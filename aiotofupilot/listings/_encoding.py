"""Checks arguments, and turns filters into the query of a request. The type of an argument says how.

A sequence is sent under a repeated name. A date-time is sent in UTC with milliseconds, and rounded so that no item is
left out. A duration is sent in ISO 8601, and a condition on metadata as JSON. A member of a ``(str, Enum)`` is sent as
its value, whatever ``str()`` returns for it.

An argument of the wrong type raises a TypeError. An argument that is out of bounds raises a ValueError. Both messages
name the path, such as ``ids[1]``, its bound and the value. Both errors have the name of the argument as the attribute
``parameter``.

Sources: https://www.tofupilot.com/docs/api/v2 and the official Python SDK ``tofupilot`` 2.26.1
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, cast, get_args, get_origin

from aiotofupilot import _arguments
from aiotofupilot._arguments import as_float, as_str, for_parameter
from aiotofupilot._wire.times import format_date_time, format_duration
from aiotofupilot.positions import Checkpoint

from ._declaration import Argument, Bounds
from ._shared import ExtraQuery, MetadataFilter

if TYPE_CHECKING:
    from ._bounds import Pairs


def checked(argument: Argument, value: object) -> Any:  # noqa: ANN401 - of the type that the argument has
    """Return an argument after checking it: a plain value of its type, a list of them, or None where it is optional.

    Raises:
        TypeError: It is of the wrong type.
        ValueError: It is out of bounds.
    """
    if value is None and argument.is_optional:
        return None
    try:
        return _checked(argument.type, argument.name, value, argument.bounds or Bounds())
    except (TypeError, ValueError) as error:
        for_parameter(error, argument.name)
        raise


def query_of(filters: Sequence[Argument], given: Mapping[str, object]) -> Pairs:
    """Return the query that some filters ask for. None asks for nothing.

    Args:
        filters: The filters of the listing. The query has their order.
        given: Arguments by name.

    Raises:
        TypeError: A filter is of the wrong type.
        ValueError: A filter is out of bounds, or the ends of a range are in the wrong order.
    """
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
    """Return a checked value as it is sent, with a text for each time that its name is sent."""
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


def _checked(kind: Any, path: str, value: object, bounds: Bounds) -> Any:  # noqa: ANN401 - any annotation
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Sequence:
        return [_checked(inner[0], at, one, bounds) for at, one in _elements(path, value)]
    if origin is Literal:
        return _arguments.one_of(path, _string(path, value, Bounds()), inner)
    return _CHECKS[kind](path, value, bounds)


def _string(path: str, value: object, bounds: Bounds) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{path} must be a string, got {value!r}")
    sent = as_str(value)
    try:
        length = len(sent.encode("utf-16-le")) // 2
    except UnicodeEncodeError as error:
        raise ValueError(f"{path} has half a surrogate pair and cannot be sent, got {sent!r}") from error
    if bounds.high is not None and length > bounds.high:
        raise ValueError(f"{path} must have at most {bounds.high} characters, got {length}")
    return sent


def _elements(path: str, values: object) -> list[tuple[str, object]]:
    """Return the elements of an iterable with their paths."""
    if isinstance(values, str | bytes | bytearray | memoryview | Mapping) or not isinstance(values, Iterable):
        raise TypeError(f"{path} must be a list or another iterable of strings, got {values!r}")
    return [(f"{path}[{at}]", value) for at, value in enumerate(cast("Iterable[object]", values))]


def _date_time(path: str, value: object, _: Bounds) -> datetime:
    if not isinstance(value, datetime):
        hint = "datetime.fromisoformat() turns a string into one"
        if isinstance(value, date):
            hint = "datetime.combine(day, time(), tzinfo=UTC) is the beginning of a day in UTC"
        raise TypeError(f"{path} must be a datetime, got {value!r}; {hint}")
    if value.utcoffset() is None:
        raise ValueError(
            f"{path} must be timezone-aware, got {value!r}; "
            "use timestamp.astimezone() for local time, or timestamp.replace(tzinfo=UTC) for UTC"
        )
    try:
        value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{path} must be within the years 1 to 9999 in UTC, got {value!r}") from error
    return value


def _duration(path: str, value: object, _: Bounds) -> timedelta:
    if not isinstance(value, timedelta):
        raise TypeError(f"{path} must be a timedelta, got {value!r}")
    if value < timedelta():
        raise ValueError(f"{path} must be at least timedelta(0), got {value!r}")
    return value


def _number(path: str, value: object, _: Bounds) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{path} must be a number, got {value!r}")
    finite = as_float(value)
    if not math.isfinite(finite):
        raise ValueError(f"{path} must be a finite number, got {value!r}")
    return finite


def _integer(path: str, value: object, bounds: Bounds) -> int:
    return _arguments.integer(path, value, low=bounds.low or 0, high=bounds.high)


def _cursor(path: str, value: object, bounds: Bounds) -> int | Checkpoint:
    if isinstance(value, Checkpoint):
        return value
    if isinstance(value, str):
        raise TypeError(f"{path} must be an integer or a Checkpoint, got {value!r}: use Checkpoint.parse()")
    return _integer(path, value, bounds)


_CHECKS: Mapping[Any, Callable[[str, object, Bounds], object]] = {
    int | Checkpoint: _cursor,
    bool: lambda path, value, _: _arguments.boolean(path, value),
    datetime: _date_time,
    float: _number,
    int: _integer,
    str: _string,
    timedelta: _duration,
    ExtraQuery: lambda path, value, _: parameters(path, value),
    MetadataFilter: lambda path, value, _: _metadata(path, value),
}


def parameters(path: str, value: object) -> Pairs:
    """Return parameters that this package does not know, as they are sent. ``path`` is how errors name the mapping.

    Raises:
        TypeError: It is not a mapping from strings to strings or iterables of strings.
        ValueError: A name is empty, or a text cannot be sent.
    """
    pairs: list[tuple[str, str]] = []
    for key, given in _mapping(path, value).items():
        name = _string(f"a key of {path}", key, Bounds())
        if not name:
            raise ValueError(f"a key of {path} must be the name of a parameter, got ''")
        at = f"{path}[{name!r}]"
        if not isinstance(given, Iterable):
            raise TypeError(f"{at} must be a string or an iterable of strings, got {given!r}")
        texts = cast("Iterable[object]", given)
        values = [(at, texts)] if isinstance(texts, str) else _elements(at, texts)
        pairs += ((name, _string(where, one, Bounds())) for where, one in values)
    return tuple(pairs)


def _metadata(path: str, value: object) -> dict[str, object]:
    """Return a `MetadataFilter` in the form in which it is sent, as one JSON value. An empty mapping is no filter."""
    conditions = _mapping(path, value)
    if len(conditions) > _METADATA_KEYS:
        raise ValueError(f"{path} must have at most {_METADATA_KEYS} keys, got {len(conditions)}")
    return {
        _string(f"a key of {path}", key, Bounds()): _condition(f"{path}[{key!r}]", condition)
        for key, condition in conditions.items()
    }


_METADATA_KEYS = 5

_COMPARISONS = ("gte", "lte", "gt", "lt", "eq")


def _mapping(path: str, value: object) -> Mapping[Any, object]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{path} must be a mapping, got {value!r}")
    return cast("Mapping[Any, object]", value)


def _text_condition(path: str, condition: Mapping[Any, object]) -> dict[str, object]:
    """Return a condition for a text: what it is among, what it contains, or both."""
    sent: dict[str, object] = {}
    if "in" in condition:
        elements = _elements(f"{path}['in']", condition["in"])
        if not elements:
            raise ValueError(f"{path}['in'] must name at least one string, got {condition['in']!r}")
        sent["in"] = [_string(at, one, Bounds()) for at, one in elements]
    if "contains" in condition:
        sent["contains"] = _string(f"{path}['contains']", condition["contains"], Bounds())
    return sent


def _condition(path: str, value: object) -> dict[str, object]:
    condition = _mapping(path, value)
    operators = set(condition)
    if operators and operators <= {"in", "contains"}:
        return _text_condition(path, condition)
    if operators == {"eq"} and isinstance(condition["eq"], bool):
        return {"eq": condition["eq"]}
    if operators and operators <= {*_COMPARISONS}:
        given = (operator for operator in _COMPARISONS if operator in condition)
        return {operator: _number(f"{path}[{operator!r}]", condition[operator], Bounds()) for operator in given}
    raise ValueError(
        f"{path} must be {{'in': [...]}}, {{'contains': ...}}, {{'eq': ...}}, "
        f"or comparisons by {', '.join(_COMPARISONS)}, got {value!r}"
    )
