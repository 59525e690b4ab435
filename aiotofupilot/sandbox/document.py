"""Items and errors as TofuPilot's REST layer writes them, in JSON, and items of what other items have."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

import attrs

from aiotofupilot._wire.times import format_duration
from aiotofupilot.models.fields import fields_of

T = TypeVar("T")


def document(value: object) -> Any:  # noqa: ANN401 - any JSON value
    """Return an item, or a value of a field, as JSON has it, with the names of the wire. What is in it is not changed.

    Dates are cut to milliseconds and not rounded, as in JavaScript. Each part of a negative duration has a sign, as in
    PostgreSQL. The client's `to_wire` writes both in full, and keys that the server leaves out, because `from_wire` has
    to read the same item again.
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
    """Write items, and what JSON has, without spaces, in UTF-8."""
    return _ENCODER.encode(value).encode()


def without(value: object, path: str) -> object:
    """Return an item, or each of several, as a document without a field such as ``created_by_user.email``."""
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
    """Make a model of the fields that an item has too, and of more fields.

    A value of another model than the field's becomes one of the field's model in the same way.
    """
    if type(item) is model and not more:
        return item
    for part in fields_of(cast("Any", model)):
        value = more.get(part.name, getattr(item, part.name, attrs.NOTHING))
        if value is attrs.NOTHING:
            continue
        if part.model and value is not None:
            value = tuple(extended(part.model, one) for one in value) if part.is_array else extended(part.model, value)
        more[part.name] = value
    return model(**more)


def comparison(operator: str | None, expected: object) -> str:
    """Write a comparison with the expected value, such as ``x >= 11.4``."""
    return f"x {operator} {[*expected] if isinstance(expected, tuple) else expected!r}"


@attrs.define
class Refusal(Exception):  # noqa: N818 - it is a response of the API and not a failure of the sandbox
    """An error that the API answers instead of a page."""

    status: int
    """HTTP status code."""
    code: str
    """The API's own code, such as ``BAD_REQUEST``."""
    message: str
    """In English, for people."""
    issues: Sequence[dict[str, object]] = ()
    """zod's issues; empty if the input is valid."""

    @property
    def body(self) -> bytes:
        """The JSON document. It has the key `issues` only if there are some."""
        issues = {"issues": self.issues} if self.issues else {}
        return dumps({"message": self.message, "code": self.code, **issues})
