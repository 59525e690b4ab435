"""``aiotofupilot get`` and ``aiotofupilot whoami``: one item, with everything that the server knows of it.

People get it as a tree: a line for each field, and below it a line for each part that the field has.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from datetime import datetime
from operator import methodcaller
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from cyclopts import Parameter

from aiotofupilot.errors import visible
from aiotofupilot.listings import NAMES, listing_class
from aiotofupilot.models import RunMeasurement, Validator
from aiotofupilot.models.fields import shown_fields

from .formats import GAP, cut, json_lines, text_of
from .messages import UsageError, is_terminal
from .options import OUTPUT, Server, unwrapped

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

    from aiotofupilot import TofuPilotSession
    from aiotofupilot.models.fields import Field

Form = Annotated[Literal["tree", "json"] | None, Parameter(name="--format", group=OUTPUT)]

_MOST = 100
"""At most this many parts of a field are shown."""


@unwrapped
async def get(
    listing: str,
    item_id: Annotated[str, Parameter(metavar="ID")],
    /,
    *,
    form: Form = None,
    server: Server = Server(),  # noqa: B008 - a value
) -> None:
    """Show one item, with everything that the server knows of it.

    A unit is found by its serial number, a part and a batch by their number, and all others by their ID. "stations
    current" and "users current" are the station and the user whose key is used.

    Args:
        listing: What it is one of, such as runs.
        item_id: The ID, or the number. Write -- before one that begins with a dash, and options before that.
        form: How to write it: a tree for people, with the most important of each part; or json, with everything but
            secrets, in the API's own names and formats. By default a terminal gets a tree, and a pipe or a file gets
            json.
        server: Which server gets the request.
    """
    if listing not in NAMES:
        raise UsageError(f"no such listing: {listing}; there are {', '.join(NAMES)}")
    declared: type = listing_class(listing)
    is_current = item_id == "current" and hasattr(declared, "current")
    if not (is_current or hasattr(declared, "get")):
        raise UsageError(
            f"{listing} cannot be read one by one: 'aiotofupilot {listing}' has all of them, and "
            f"'aiotofupilot get {listing} current' the one whose key is used"
        )
    request = methodcaller("current") if is_current else methodcaller("get", item_id)
    await _show(lambda session: request(getattr(session, listing)), form, server)


@unwrapped
async def whoami(*, form: Form = None, server: Server = Server()) -> None:  # noqa: B008 - a value
    """Show whose key is used: a user's or a station's, and of which organization.

    Args:
        form: How to write it: a tree for people, or json. By default a terminal gets a tree, and a pipe or a file gets
            json.
        server: Which server gets the request.
    """
    await _show(lambda session: session.whoami(), form, server)


async def _show(request: Callable[[TofuPilotSession], Awaitable[object]], form: str | None, server: Server) -> None:
    """Write what one request returns. If no address can hold the ID, that is wrong usage."""
    from .output import StandardOutput  # noqa: PLC0415 - help and a wrong option need not wait for asyncio
    from .progress import Progress  # noqa: PLC0415 - it imports asyncio too

    out, is_shown = StandardOutput(), is_terminal(sys.stdout)
    progress = Progress(to_standard_output=True)
    async with server.session() as session, progress.until(server.deadline):
        try:
            with progress:
                item = await request(session)
        except ValueError as error:
            raise UsageError(str(error)) from error
    if is_shown if form is None else form == "tree":
        text = tree(item, shutil.get_terminal_size().columns if is_shown else None).encode()
    else:
        text = json_lines(for_terminal=is_shown).page([item])
    await out.write(text)


def tree(item: Any, width: int | None) -> str:  # noqa: ANN401 - any model
    """Return a line for each field of an item that has a value, and an indented line for each part of a field.

    The line of a part has the most important of it, in at most so many terminal cells. None: nothing is cut.
    """
    fields = [field for field in shown_fields(item.__class__) if getattr(item, field.name) not in (None, (), {})]
    longest = max((len(_label(field)) for field in fields if not _has_parts(field)), default=0)
    lines: list[str] = []
    for field in fields:
        value = getattr(item, field.name)
        if _has_parts(field):
            lines += f"{_label(field)} ({len(value):,})", *_parts(value, GAP, width)
        else:
            texts = _brief(value) if field.model else [_text(value, field)]
            lines.append(f"{_label(field):{longest}}{GAP}{_line(', ', texts)}")
    return "".join(f"{line}\n" for line in lines)


def _parts(parts: Sequence[Any], indent: str, width: int | None) -> Iterator[str]:
    """Yield a line for each part of a field, and below it those of the parts that it has."""
    for part in parts[:_MOST]:
        line = indent + _line(GAP, _brief(part))
        yield line if width is None else cut(line, width)
        for field in shown_fields(part.__class__):
            if _has_parts(field) and field.model is not Validator:
                yield from _parts(getattr(part, field.name) or (), indent + GAP, width)
    if (more := len(parts) - _MOST) > 0:
        yield f"{indent}and {more:,} more"


def _has_parts(field: Field) -> bool:
    return field.model is not None and field.is_array


def _label(field: Field) -> str:
    return field.name.replace("_", " ")


def _line(gap: str, texts: Iterable[str]) -> str:
    """Return texts in one line, in which nothing can steer a terminal."""
    return visible(gap.join(" ".join(text.split()) for text in texts))


def _brief(part: object) -> list[str]:
    """Return what one line says of a part of an item. Its ID is said only if nothing else is known of it."""
    match part:
        case Validator():
            return [part.outcome, part.expression]
        case RunMeasurement(measured_value=value):
            text = json.dumps(value, ensure_ascii=False) if isinstance(value, tuple | Mapping) else str(value)
            measured = [] if value is None else [f"{text} {part.units or ''}"]
            return [part.name, part.outcome, *measured, *(one.expression for one in part.validators or ())]
        case _:
            return [*_texts(part)] or [getattr(part, "id", None) or "-"]


def _texts(part: Any) -> Iterator[str]:  # noqa: ANN401 - any model
    """Yield the values of a part. Numbers and truth values come with their names."""
    has_time = False
    for field in shown_fields(part.__class__):
        value = getattr(part, field.name)
        is_left_out = field.name in ("id", "docstring") or field.name.endswith("_id") or _has_parts(field)
        if is_left_out or value in (None, (), {}, ""):
            continue
        if isinstance(value, datetime):
            if not has_time:  # with the duration it tells the other ones
                yield _text(value, field)
            has_time = True
        elif field.model:
            yield from _brief(value)
        elif field.kind in (bool, int, float, int | float) and not field.is_array:
            if value:
                yield _label(field).removeprefix("is ") if value is True else f"{_label(field)} {_text(value, field)}"
        else:
            yield _text(value, field)


def _text(value: Any, field: Field) -> str:  # noqa: ANN401 - the value of a field
    if field.is_array and field.kind is float:
        return f"{len(value):,} points"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={text_of(each)}" for key, each in cast("Mapping[str, object]", value).items())
    return text_of(value, timespec="seconds")
