"""Query parameters: how they are declared, how their values are read, and what zod says of wrong ones.

zod is TofuPilot's validator. `read` reads a whole query. Unknown parameters are ignored, and a single value that is
repeated is refused. Numbers are read as by JavaScript's `Number()`, so ``50.0``, ``0x10`` and the empty string are
numbers.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast, get_origin

from attrs import frozen

from .wire import Refusal

if TYPE_CHECKING:
    from aiotofupilot.listings import Argument
    from aiotofupilot.models import Metadata

    from .request import Query

Values = dict[str, Any]
"""The parameters of a valid request, with their values. A parameter without a value and a default is left out."""


class InvalidValueError(Exception):
    """A value of a parameter is not valid. The `args` are zod's issues. Their paths begin at the value."""


def _issue(message: str, *path: object, **details: object) -> dict[str, Any]:
    """Return an issue in zod's key order."""
    return {**details, "path": path, "message": message}


def _mistyped(expected: str, received: str, **details: object) -> dict[str, Any]:
    message = f"Invalid input: expected {expected}, received {received}"
    return _issue(message, expected=expected, **details, code="invalid_type")


def _not_among(options: Sequence[str], *path: object) -> dict[str, Any]:
    told = "|".join(f'"{option}"' for option in options)
    return _issue(f"Invalid option: expected one of {told}", *path, code="invalid_value", values=list(options))


def _malformed(form: str, pattern: str) -> dict[str, Any]:
    details = {"origin": "string", "code": "invalid_format", "format": form, "pattern": f"/{pattern}/"}
    return _issue(f"Invalid ISO {form}", **details)


def _beyond(bound: str, limit: int, size: str, unit: str = "", **details: object) -> dict[str, Any]:
    """Return the issue of a value that is too big or too small for a bound, ``maximum`` or ``minimum``."""
    code, sign = ("too_big", "<=") if bound == "maximum" else ("too_small", ">=")
    message = f"Too {code[4:]}: expected {size} {sign}{limit}{unit}"
    return _issue(message, **{"code": code, bound: limit, **details, "inclusive": True})


@frozen
class Parameter:
    """One parameter of a listing."""

    name: str
    """The name in the query."""
    type: Any
    """The type of one value."""
    is_repeated: bool = False
    """Whether it may be repeated. A single value is then an array of one."""
    options: tuple[str, ...] = ()
    """The words that are allowed. Empty: any."""
    default: Any = None
    """The value if the parameter was not sent; None: there is none."""
    minimum: int | None = None
    """The smallest integer that is allowed; None: the smallest safe integer of JavaScript."""
    maximum: int | None = None
    """The largest integer that is allowed, or the most characters of a text, in UTF-16 code units as JavaScript counts.
    None: the largest safe integer of JavaScript, or any number of characters."""
    safe: bool = True
    """Whether an integer must be a safe one of JavaScript."""
    required: bool = False
    """Whether the parameter must be sent."""

    def read(self, values: Sequence[str]) -> Any:  # noqa: ANN401 - each kind has its type
        """Return the value of the texts that were sent; None: the parameter counts as not sent, and has no default."""
        if not values:
            if self.required:
                raise InvalidValueError(_mistyped("string", "undefined"))
            return self.default
        if self.is_repeated:
            known = self.options or values
            if unknown := [index for index, value in enumerate(values) if value not in known]:
                raise InvalidValueError(*(_not_among(self.options, index) for index in unknown))
            return frozenset(values)
        if self.options:
            # zod has the same issue for a repeated word and an unknown one.
            if len(values) > 1 or values[0] not in self.options:
                raise InvalidValueError(_not_among(self.options))
            return values[0]
        expected, parse = _SCALARS[self.type]
        if len(values) > 1:
            raise InvalidValueError(_mistyped(expected, "array"))
        return parse(self, values[0])


def declared(argument: Argument) -> Parameter:
    """Return a parameter as the client's listing declares it. Bounds of numbers are the client's own."""
    kind: Any = str if argument.choices else get_origin(argument.item_type) or argument.item_type
    return Parameter(
        argument.name,
        kind,
        is_repeated=argument.is_repeated,
        options=argument.choices,
        default=argument.server_default,
        maximum=argument.bounds.high if argument.bounds and kind is str else None,
        required=argument.is_required,
    )


def pages(*, minimum: int | None = 0, safe: bool = True) -> tuple[Parameter, ...]:
    """Return the parameters of a listing with pages. The smallest cursor is `minimum`."""
    return (
        Parameter("limit", int, default=50, minimum=1, maximum=100),
        Parameter("cursor", int, default=0, minimum=minimum, safe=safe),
    )


def read(parameters: Sequence[Parameter], query: Query) -> Values:
    """Read the query of a request. If it is refused, the refusal names each fault, in the order of the parameters."""
    asked: Values = {}
    issues: list[dict[str, Any]] = []
    for parameter in parameters:
        try:
            value = parameter.read(query.all(parameter.name))
        except InvalidValueError as error:
            issues += [{**issue, "path": [parameter.name, *issue["path"]]} for issue in error.args]
        else:
            if value is not None:
                asked[parameter.name] = value
    if issues:
        raise Refusal(400, "BAD_REQUEST", "Input validation failed", issues)
    return asked


_WHITE_SPACE = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""The characters that JavaScript's `Number()` strips. Python's `str.strip` strips other characters."""
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?Infinity", re.ASCII)
_BASED = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)", re.ASCII)
_SAFE = 2**53 - 1  # the largest safe integer of JavaScript
_INFINITY = float("inf")


def _number(_parameter: Parameter, text: str) -> float:
    """Read a finite number as JavaScript's `Number()` does."""
    text, number = text.strip(_WHITE_SPACE), _INFINITY
    if not text:
        return 0.0
    if _DECIMAL.fullmatch(text):
        number = float(text)
    elif _BASED.fullmatch(text):
        with suppress(OverflowError):
            number = float(int(text, 0))
    else:
        raise InvalidValueError(_mistyped("number", "string"))
    if abs(number) == _INFINITY:
        message = "Invalid input: expected number, received number"
        raise InvalidValueError(_issue(message, expected="number", code="invalid_type", received="Infinity"))
    return number


def _integer(parameter: Parameter, text: str) -> int:
    """Read a number that has to be whole."""
    number = _number(parameter, text)
    if not number.is_integer():
        raise InvalidValueError(_mistyped("int", "number", format="safeint"))
    whole = int(number)
    issues: list[dict[str, Any]] = []
    if parameter.safe and abs(whole) > _SAFE:
        bound, limit = ("maximum", _SAFE) if whole > 0 else ("minimum", -_SAFE)
        note = "Integers must be within the safe integer range."
        issues.append(_beyond(bound, limit, "int to be", note=note, origin="int"))
    if parameter.minimum is not None and whole < parameter.minimum:
        issues.append({"origin": "number", **_beyond("minimum", parameter.minimum, "number to be")})
    if parameter.maximum is not None and whole > parameter.maximum:
        issues.append({"origin": "number", **_beyond("maximum", parameter.maximum, "number to be")})
    if issues:
        raise InvalidValueError(*issues)
    return whole


def _text(parameter: Parameter, text: str) -> str:
    """Read a string that may have a largest length."""
    if parameter.maximum is not None and len(text.encode("utf-16-le", "surrogatepass")) // 2 > parameter.maximum:
        issue = _beyond("maximum", parameter.maximum, "string to have", " characters")
        raise InvalidValueError({"origin": "string", **issue})
    return text


def _boolean(_parameter: Parameter, text: str) -> bool:
    """Read ``true`` or ``1``, ``false`` or ``0``."""
    if text not in {"true", "1", "false", "0"}:
        raise InvalidValueError(_mistyped("boolean", "string"))
    return text in {"true", "1"}


# The patterns of zod, as its issues show them.
_DATETIME_PATTERN = (
    r"^(?:(?:\d\d[2468][048]|\d\d[13579][26]|\d\d0[48]|[02468][048]00|[13579][26]00)-02-29"
    r"|\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
    r"|(?:02)-(?:0[1-9]|1\d|2[0-8])))"
    r"T(?:(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:Z|([+-](?:[01]\d|2[0-3]):[0-5]\d)))$"
)
_DATETIME = re.compile(_DATETIME_PATTERN, re.ASCII)
_DURATION_PATTERN = r"^P(?:(\d+W)|(?!.*W)(?=\d|T\d)(\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+([.,]\d+)?S)?)?)$"
_DURATION = re.compile(_DURATION_PATTERN, re.ASCII)
_DAYS = {"W": 7, "Y": 365, "M": 30, "D": 1}  # years and months have no fixed length
_SECONDS = {"H": 3600, "M": 60, "S": 1}


def _datetime(_parameter: Parameter, text: str) -> datetime:
    """Read a date-time with a UTC offset. It is cut to milliseconds, as in JavaScript."""
    if not _DATETIME.fullmatch(text):
        raise InvalidValueError(_malformed("datetime", _DATETIME_PATTERN))
    if text.startswith("0000"):  # JavaScript has this year, and Python does not
        return datetime.min.replace(tzinfo=UTC)
    timestamp = datetime.fromisoformat(text)
    return timestamp.replace(microsecond=timestamp.microsecond // 1000 * 1000)


def _duration(_parameter: Parameter, text: str) -> timedelta:
    """Read an ISO 8601 duration, such as ``PT1M30.5S``. zod accepts no signs in it."""
    if not _DURATION.fullmatch(text):
        raise InvalidValueError(_malformed("duration", _DURATION_PATTERN))
    date, _, time = text[1:].replace(",", ".").partition("T")
    days = sum(float(number) * _DAYS[unit] for number, unit in re.findall(r"(\d+)([WYMD])", date))
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in re.findall(r"([\d.]+)([HMS])", time))
    try:
        return timedelta(days=days, seconds=seconds)
    except OverflowError:
        return timedelta.max


_MOST_KEYS = 5
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "gte": operator.ge,
    "lte": operator.le,
    "gt": operator.gt,
    "lt": operator.lt,
    "eq": operator.eq,
}
_ZOD_TYPES = {list: "array", bool: "boolean", str: "string", type(None): "null", int: "number", float: "number"}


def _conditions(_parameter: Parameter, text: str) -> Mapping[str, Callable[[Any], bool]] | None:
    """Read conditions for the values of metadata, by key. None: an empty text, which the official SDK sends, or {}."""
    if not text:
        return None
    try:
        document: Any = json.loads(text, parse_constant=_not_json)
    except ValueError:
        raise InvalidValueError(_mistyped("record", "string")) from None  # zod sees a text that is not JSON as a string
    if not isinstance(document, dict):
        raise InvalidValueError(_mistyped("record", _ZOD_TYPES[type(document)]))
    wanted = {key: _condition(told) for key, told in cast("dict[str, Any]", document).items()}
    if unknown := [key for key, condition in wanted.items() if condition is None]:
        raise InvalidValueError(*(_issue("Invalid input", key, code="invalid_union", errors=()) for key in unknown))
    if len(wanted) > _MOST_KEYS:
        raise InvalidValueError(_issue(f"At most {_MOST_KEYS} metadata keys can be filtered by", code="custom"))
    return {key: condition for key, condition in wanted.items() if condition} or None


def _condition(told: Any) -> Callable[[Any], bool] | None:  # noqa: ANN401 - any JSON value
    """Return whether a value meets a condition: for a truth value, for text or for numbers. None: it is none of these.

    A value of another type does not meet it.
    """
    if not isinstance(told, dict):
        return None
    match cast("dict[str, Any]", told):
        case {"eq": bool(wanted), **others} if not others:
            return lambda value: value is wanted
        case {**parts} if parts.keys() <= {"in", "contains"}:
            texts, part = parts.get("in", []), parts.get("contains", "")
            if not isinstance(texts, list) or not all(map(_is_text, (*cast("Any", texts), part))):
                return None
            return lambda value: not parts or (_is_text(value) and part in value and value in parts.get("in", [value]))
        case {**parts} if parts.keys() <= _COMPARISONS.keys() and all(map(_is_number, parts.values())):
            tests = [(_COMPARISONS[name], bound) for name, bound in parts.items()]
            return lambda value: _is_number(value) and all(holds(value, bound) for holds, bound in tests)
        case _:
            return None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _not_json(constant: str) -> float:
    """Refuse NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(constant)


def matches(metadata: Metadata | None, wanted: Mapping[str, Callable[[Any], bool]]) -> bool:
    """Return whether metadata meet all conditions. A missing key meets no condition."""
    return metadata is not None and all(key in metadata and meets(metadata[key]) for key, meets in wanted.items())


_SCALARS: Mapping[Any, tuple[str, Callable[[Parameter, str], Any]]] = {
    str: ("string", _text),
    bool: ("boolean", _boolean),
    float: ("number", _number),
    int: ("number", _integer),
    datetime: ("string", _datetime),
    timedelta: ("string", _duration),
    Mapping: ("record", _conditions),
}
"""For each type of a single value: the type that zod names if the value is repeated, and how the value is read."""
