"""Reads queries like TofuPilot's REST layer, and writes items and errors in its JSON.

`read` refuses the queries that TofuPilot's validator, zod, would refuse. For example, a parameter that takes a single
value must not be repeated. Unknown parameters are ignored. Numbers are read as JavaScript's `Number()` reads them, so
``50.0`` and the empty string are numbers.
"""

from __future__ import annotations

import json
import operator
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_origin

import attrs

from aiotofupilot._wire.times import format_duration, read_duration
from aiotofupilot.models.fields import fields_of

if TYPE_CHECKING:
    from aiotofupilot.listings import Argument
    from aiotofupilot.models import Metadata

T = TypeVar("T")


def document(value: object) -> Any:  # noqa: ANN401 - any JSON value
    """Return an item or a value in the form of JSON, with the API's names. Inner values are not converted.

    Dates are cut to milliseconds, as in JavaScript. Each part of a negative duration has a sign, as in PostgreSQL.
    The client's `to_wire` differs: it is lossless, so that `from_wire` can read the same item again.
    """
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
    if isinstance(value, timedelta):
        text = format_duration(abs(value))
        return re.sub(r"(?<=[THM])(?=\d)", "-", text) if value < timedelta() else text
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, object]", value))
    if not attrs.has(value.__class__):
        raise TypeError(f"JSON has no {type(value).__name__}, got {value!r}")
    return {
        field.wire_name: part
        for field in fields_of(cast("Any", value).__class__)
        if (part := getattr(value, field.name)) is not None or not field.is_left_out
    }


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=document)


def dumps(value: object) -> bytes:
    """Write items and JSON values in UTF-8, without spaces."""
    return _ENCODER.encode(value).encode()


def without(value: object, path: str) -> object:
    """Return one item, or several items, as documents without a field such as ``created_by_user.email``."""
    if value is None:
        return None
    if isinstance(value, tuple | list):
        return [without(item, path) for item in cast("Sequence[object]", value)]
    written, (name, _, rest) = document(value), path.partition(".")
    if rest:
        written[name] = without(written[name], rest)
    else:
        del written[name]
    return written


def extended(model: type[T], item: object, **more: Any) -> T:  # noqa: ANN401 - each field has its type
    """Make a model from the fields of an item and more fields.

    Values of other models are converted in the same way. Missing fields are null or empty arrays, if they may be.
    """
    if type(item) is model and not more:
        return item
    for part in fields_of(cast("Any", model)):
        value = more.get(part.name, getattr(item, part.name, attrs.NOTHING))
        if value is attrs.NOTHING:
            if part.default is not attrs.NOTHING or not (part.is_optional or part.is_array):
                continue
            value = None if part.is_optional else ()
        elif part.model and value is not None:
            value = tuple(extended(part.model, one) for one in value) if part.is_array else extended(part.model, value)
        more[part.name] = value
    return model(**more)


def comparison(operator: str | None, expected: object) -> str:
    """Write a comparison, such as ``x >= 11.4``."""
    return f"x {operator} {[*expected] if isinstance(expected, tuple) else expected!r}"


@attrs.define
class Refusal(Exception):  # noqa: N818 - it is a response of the API and not a failure of the sandbox
    """An error response of the API."""

    status: int
    """HTTP status code."""
    code: str
    """The API's code, such as ``BAD_REQUEST``."""
    message: str
    """A text for people."""
    issues: Sequence[dict[str, object]] = ()
    """zod's issues. Empty if the input is valid."""

    @property
    def body(self) -> bytes:
        """The JSON document. It has the key ``issues`` only if there are any."""
        issues = {"issues": self.issues} if self.issues else {}
        return dumps({"message": self.message, "code": self.code, **issues})


Values = dict[str, Any]
"""The values of a valid request's parameters. A parameter without a value and a default is left out."""

Reader = Callable[[Sequence[str]], Any]
"""Turns the texts that a client sent for a parameter into its value, its default, or None."""


class InvalidValueError(Exception):
    """A value is not valid. The `args` are zod's issues, with paths relative to the value."""


def _issue(code: str, *path: object, **bounds: float) -> dict[str, object]:
    """Return an issue, without zod's own text for people."""
    return {"code": code, "path": path, "message": "Invalid input", **bounds}


def declared(argument: Argument) -> Reader:
    """Return the reader of a parameter that the client declares. It ignores the client's bounds of numbers."""
    options, default = argument.choices, argument.server_default
    if argument.is_repeated:
        return partial(_read_several, options)
    if options:
        return partial(_read_option, options, default)
    kind = get_origin(argument.type) or argument.type
    parse = _SCALARS[kind]
    if kind is str and argument.bounds and argument.bounds.high:
        parse = partial(_text, most=argument.bounds.high)
    return partial(_read_single, parse, default, is_required=argument.is_required)


def read(readers: Mapping[str, Reader], pairs: Sequence[tuple[str, str]]) -> Values:
    """Read a query, or raise a `Refusal` with all issues."""
    asked: Values = {}
    issues: list[dict[str, Any]] = []
    for name, reader in readers.items():
        try:
            asked[name] = reader([text for sent, text in pairs if sent == name])
        except InvalidValueError as error:
            issues += [{**issue, "path": [name, *issue["path"]]} for issue in error.args]
    if issues:
        raise Refusal(400, "BAD_REQUEST", "Input validation failed", issues)
    return {name: value for name, value in asked.items() if value is not None}


def _read_several(options: Sequence[str], texts: Sequence[str]) -> frozenset[str] | None:
    """Read an array. Without options, any text is allowed."""
    if options and (unknown := [index for index, text in enumerate(texts) if text not in options]):
        raise InvalidValueError(*(_issue("invalid_value", index) for index in unknown))
    return frozenset(texts) or None


def _read_option(options: Sequence[str], default: T, texts: Sequence[str]) -> str | T:
    # zod has the same issue for repeated and unknown words.
    if texts and (len(texts) > 1 or texts[0] not in options):
        raise InvalidValueError(_issue("invalid_value"))
    return texts[0] if texts else default


def _read_single(
    parse: Callable[[str], T], default: T | None, texts: Sequence[str], *, is_required: bool = False
) -> T | None:
    if len(texts) > 1 or (is_required and not texts):
        raise InvalidValueError(_issue("invalid_type"))
    return parse(texts[0]) if texts else default


_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?Infinity", re.ASCII)
_SAFE = 2**53 - 1  # the largest safe integer of JavaScript


def _number(text: str) -> float:
    """Read a finite decimal number."""
    text = text.strip(" \t\r\n") or "0"
    number = float(text) if _DECIMAL.fullmatch(text) else inf
    if abs(number) == inf:
        raise InvalidValueError(_issue("invalid_type"))
    return number


def _integer(text: str, *, minimum: float = -inf, maximum: float = inf) -> int:
    """Read a whole number that is a safe integer in JavaScript."""
    number = _number(text)
    if not number.is_integer():
        raise InvalidValueError(_issue("invalid_type"))
    whole, issues = int(number), list[dict[str, object]]()
    for low, high in ((-_SAFE, _SAFE), (minimum, maximum)):
        if whole < low:
            issues.append(_issue("too_small", minimum=low))
        elif whole > high:
            issues.append(_issue("too_big", maximum=high))
    if issues:
        raise InvalidValueError(*issues)
    return whole


PAGES: Mapping[str, Reader] = {
    "limit": partial(_read_single, partial(_integer, minimum=1, maximum=100), 50),
    "cursor": partial(_read_single, partial(_integer, minimum=0), 0),
}
"""The readers of the paging parameters."""


def _text(text: str, *, most: float) -> str:
    """Read a string of at most `most` UTF-16 code units, as JavaScript counts."""
    if len(text.encode("utf-16-le", "surrogatepass")) // 2 > most:
        raise InvalidValueError(_issue("too_big", maximum=most))
    return text


def _boolean(text: str) -> bool:
    if text not in {"true", "1", "false", "0"}:
        raise InvalidValueError(_issue("invalid_type"))
    return text in {"true", "1"}


def _datetime(text: str) -> datetime:
    """Read a date-time with a UTC offset, cut to milliseconds as in JavaScript."""
    with suppress(ValueError):
        timestamp = datetime.fromisoformat(text)
        if timestamp.tzinfo is not None:
            return timestamp.replace(microsecond=timestamp.microsecond // 1000 * 1000)
    raise InvalidValueError(_issue("invalid_format"))


def _duration(text: str) -> timedelta:
    """Read an ISO 8601 duration, such as ``PT1M30.5S``."""
    try:
        return read_duration(text)
    except ValueError:
        raise InvalidValueError(_issue("invalid_format")) from None


_MOST_KEYS = 5
_COMPARISONS = {"gte": operator.ge, "lte": operator.le, "gt": operator.gt, "lt": operator.lt, "eq": operator.eq}


def _conditions(text: str) -> Callable[[Metadata], bool] | None:
    """Return a test of metadata, or None if there are no conditions. A missing key fails the test.

    The official SDK sends an empty text if there are no conditions.
    """
    try:
        document: Any = json.loads(text or "{}", parse_constant=int)  # refuses NaN and Infinity, as JSON does
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise InvalidValueError(_issue("invalid_type"))
    wanted = {key: _condition(given) for key, given in cast("dict[str, Any]", document).items()}
    if unknown := [key for key, condition in wanted.items() if condition is None]:
        raise InvalidValueError(*(_issue("invalid_union", key) for key in unknown))
    if len(wanted) > _MOST_KEYS:
        raise InvalidValueError(_issue("custom", maximum=_MOST_KEYS))
    meets = [(key, condition) for key, condition in wanted.items() if condition]
    return (lambda metadata: all(key in metadata and meet(metadata[key]) for key, meet in meets)) if meets else None


def _condition(given: object) -> Callable[[Any], bool] | None:
    """Return the test of a condition on a boolean, text or numbers, or None for another condition.

    Values of other types fail the test.
    """
    match cast("dict[str, Any]", given):
        case {"eq": bool(wanted), **others} if not others:
            return lambda value: value is wanted
        case {**parts} if parts.keys() <= {"in", "contains"}:
            texts, part = parts.get("in", []), parts.get("contains", "")
            if not isinstance(texts, list) or not all(isinstance(text, str) for text in (*cast("Any", texts), part)):
                return None
            return lambda value: (
                not parts or (isinstance(value, str) and part in value and value in parts.get("in", [value]))
            )
        case {**parts} if parts.keys() <= _COMPARISONS.keys() and all(map(_is_number, parts.values())):
            tests = [(_COMPARISONS[name], bound) for name, bound in parts.items()]
            return lambda value: _is_number(value) and all(holds(value, bound) for holds, bound in tests)
        case _:
            return None


def _is_number(value: object) -> bool:
    """Return whether a value is a finite number in JavaScript, unlike 1e999 or an integer of 400 digits."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


_SCALARS: Mapping[object, Callable[[str], object]] = {
    str: str,
    bool: _boolean,
    float: _number,
    int: _integer,
    datetime: _datetime,
    timedelta: _duration,
    Mapping: _conditions,
}
"""The parsers of single values by type."""
