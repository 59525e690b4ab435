"""One item for people: a line for each field, and below it a line for each part that the field has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from aiotofupilot import RunMeasurement, Validator
from aiotofupilot.models.fields import shown_fields

from .formats import Format, cut
from .tables import GAP, text_of
from .terminal import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aiotofupilot.models.fields import Field

_MOST = 100
"""At most this many parts of a field are shown."""


class Tree(Format):
    """A line for each field that has a value, and indented lines for parts, with the most important of each.

    Args:
        width: Terminal cells that the line of a part may not exceed. None: nothing is cut.
    """

    name = "tree"

    def __init__(self, width: int | None) -> None:
        self._width = width

    def page(self, items: Sequence[Any]) -> bytes:
        """Return the lines of some items."""
        return "".join(f"{line}\n" for item in items for line in self._lines(item)).encode()

    def _lines(self, item: Any) -> Iterator[str]:  # noqa: ANN401 - any model
        fields = [field for field in _fields(item) if getattr(item, field.name) not in (None, (), {})]
        longest = max((len(_label(field)) for field in fields if not _has_parts(field)), default=0)
        for field in fields:
            value = getattr(item, field.name)
            if _has_parts(field):
                yield f"{_label(field)} ({len(value):,})"
                yield from self._parts(value, GAP)
            else:
                texts = _brief(value) if field.model else [_text(value, field)]
                yield f"{_label(field):{longest}}{GAP}{_joined(', ', texts)}"

    def _parts(self, parts: Sequence[Any], indent: str) -> Iterator[str]:
        """Return a line for each part of a field, and below it those of the parts that it has."""
        for part in parts[:_MOST]:
            line = indent + _joined(GAP, _brief(part))
            yield line if self._width is None else cut(line, self._width)
            for field in _fields(part):
                if _has_parts(field) and field.model is not Validator:
                    yield from self._parts(getattr(part, field.name) or (), indent + GAP)
        if (more := len(parts) - _MOST) > 0:
            yield f"{indent}and {more:,} more"


def _fields(item: Any) -> tuple[Field, ...]:  # noqa: ANN401 - any model
    return shown_fields(item.__class__)


def _has_parts(field: Field) -> bool:
    return field.model is not None and field.is_array


def _label(field: Field) -> str:
    return field.name.replace("_", " ")


def _brief(part: Any) -> list[str]:  # noqa: ANN401 - any model
    """Return what one line says of a part of an item. Its ID is said only if nothing else is known of it."""
    if isinstance(part, Validator):
        return [part.outcome, part.expression]
    if isinstance(part, RunMeasurement):
        return _measured(part)
    texts = list(_texts(part))
    return texts or [getattr(part, "id", None) or "-"]


def _joined(gap: str, texts: Iterable[str]) -> str:
    """Return texts in one line, in which nothing can steer a terminal."""
    return visible(gap.join(" ".join(text.split()) for text in texts))


def _measured(measurement: RunMeasurement) -> list[str]:
    value = measurement.measured_value
    texts = [measurement.name, measurement.outcome]
    if value is not None:
        text = json.dumps(value, ensure_ascii=False) if isinstance(value, tuple | Mapping) else str(value)
        texts.append(f"{text} {measurement.units}" if measurement.units else text)
    return [*texts, *(validator.expression for validator in measurement.validators or ())]


def _texts(part: Any) -> Iterator[str]:  # noqa: ANN401 - any model
    """Yield the values of a part. Numbers and truth values come with their names."""
    has_time = False
    for field in _fields(part):
        value = getattr(part, field.name)
        is_number = field.kind in (bool, int, float, int | float) and not field.is_array
        if field.name in ("id", "docstring") or field.name.endswith("_id") or value in (None, (), {}, ""):
            continue
        if isinstance(value, datetime):
            if not has_time:  # with the duration it tells the other ones
                yield _text(value, field)
            has_time = True
        elif field.model is not None:
            if not field.is_array:
                yield from _brief(value)
        elif is_number:
            name = _label(field)
            if value:
                yield name.removeprefix("is ") if value is True else f"{name} {_text(value, field)}"
        else:
            yield _text(value, field)


def _text(value: Any, field: Field) -> str:  # noqa: ANN401 - the value of a field
    if field.is_array and field.kind is float:
        return f"{len(value):,} points"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={text_of(each)}" for key, each in cast("Mapping[str, Any]", value).items())
    return text_of(value, timespec="seconds")
