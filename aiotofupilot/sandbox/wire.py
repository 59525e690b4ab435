"""Writes items, pages and errors as JSON, as TofuPilot's REST layer does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs
import orjson

from aiotofupilot.models import Repository, wire_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from aiotofupilot.models import PageMeta, Procedure

__all__ = [
    "Answer",
    "Refusal",
    "document",
    "item_json",
    "not_found",
    "procedure_json",
    "span_text",
    "write_array",
    "write_page",
]

_Fields = tuple[tuple[str, ...], "Callable[[object], tuple[Any, ...]]"]
_known_fields: dict[type[attrs.AttrsInstance], _Fields] = {}


class Answer(NamedTuple):
    """An answer of the API."""

    status: int
    """HTTP status code."""
    body: bytes
    """JSON document."""


class Refusal(Exception):  # noqa: N818 - it is an answer of the API and not a failure of the sandbox
    """An error that the API answers instead of a page.

    Args:
        status: HTTP status code.
        code: The API's own code, such as ``BAD_REQUEST``.
        message: In English, for people.
        issues: zod's complaints; empty if the input is valid.
    """

    def __init__(self, status: int, code: str, message: str, issues: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(status, code, message, issues)
        self.status = status
        self.code = code
        self.message = message
        self.issues = issues

    def answer(self) -> Answer:
        """Return the answer. Its document has the key `issues` only if there are some."""
        error: dict[str, Any] = {"message": self.message, "code": self.code}
        if self.issues:
            error["issues"] = self.issues
        return Answer(self.status, orjson.dumps(error))


def not_found() -> Refusal:
    """Return the refusal of an unknown route."""
    return Refusal(404, "NOT_FOUND", "Not found")


def write_page(data: Iterable[orjson.Fragment], meta: PageMeta) -> Answer:
    """Write one page of a listing."""
    page = {"data": list(data), "meta": {"has_more": meta.has_more, "next_cursor": meta.next_cursor}}
    return Answer(200, orjson.dumps(page))


def write_array(data: Iterable[orjson.Fragment]) -> Answer:
    """Write a listing without pages, as a bare array."""
    return Answer(200, orjson.dumps(list(data)))


def item_json(item: Mapping[str, Any]) -> orjson.Fragment:
    """Write one item of a page."""
    return orjson.Fragment(orjson.dumps(item, default=_written, option=orjson.OPT_PASSTHROUGH_DATETIME))


def procedure_json(procedure: Procedure) -> orjson.Fragment:
    """Write one procedure."""
    return item_json(document(procedure))


def document(item: Any) -> dict[str, Any]:  # noqa: ANN401 - any model
    """Return an item as a document with the names of the wire. Items in it are spelled when they are written."""
    names, values = _fields(item.__class__)
    spelled: dict[str, Any] = dict(zip(names, values(item), strict=True))
    if isinstance(item, Repository) and item.provider is None:
        del spelled["provider"]  # older servers had no provider and left the key out
    return spelled


def span_text(span: timedelta) -> str:
    """Return a duration in ISO 8601, cut to milliseconds, such as ``PT1M30.732S``."""
    milliseconds = span // timedelta(milliseconds=1)
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{milliseconds:03}".rstrip("0") if milliseconds else ""
    text = f"{f'{hours}H' if hours else ''}{f'{minutes}M' if minutes else ''}"
    return f"PT{text}{seconds}{fraction}S" if seconds or fraction or not text else f"PT{text}"


def _fields(model: type[attrs.AttrsInstance]) -> _Fields:
    """Return the names of a model's fields on the wire, and a function that reads their values."""
    known = _known_fields.get(model)
    if known is None:
        fields = attrs.fields(model)
        names = tuple(map(wire_name, fields))
        read = attrgetter(*(field.name for field in fields))
        # For a single field, attrgetter returns the value and not a tuple.
        known = _known_fields[model] = names, read if len(names) > 1 else lambda item: (read(item),)
    return known


def _written(value: object) -> object:
    """Spell a value for which JSON has no type. Dates are cut to milliseconds and not rounded, as in JavaScript."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
    if isinstance(value, timedelta):
        return span_text(value)
    return document(value)
