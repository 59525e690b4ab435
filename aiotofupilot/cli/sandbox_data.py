"""The items of a file that the standing sandbox lists instead of made-up ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import orjson

from aiotofupilot import from_wire
from aiotofupilot.errors import DecodeError
from aiotofupilot.listings import NAMES

from .failures import UsageError
from .filter_options import described

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["items_of"]


def items_of(path: Path) -> dict[str, list[Any]]:
    """Return the items in a JSON file, by the name of their listing.

    Args:
        path: The file. It holds an object with an array of items, as the API spells them, for each of some listings.

    Raises:
        UsageError: The file cannot be read, or it holds something else.
    """
    try:
        document = orjson.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read --data {path}: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise UsageError(f"--data {path} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise UsageError(f"--data {path} must hold an object with arrays of items, by the names of their listings")
    return {name: _items(path, name, listed) for name, listed in cast("dict[str, object]", document).items()}


def _items(path: Path, name: str, listed: object) -> list[Any]:
    if name not in NAMES:
        raise UsageError(f"--data {path}: {name} is no listing; there are {', '.join(NAMES)}")
    if not isinstance(listed, list):
        raise UsageError(f"--data {path}: {name} must be an array of items")
    model = described(name).model
    items: list[Any] = []
    for index, item in enumerate(cast("list[object]", listed)):
        try:
            items.append(from_wire(item, model))
        except DecodeError as error:
            raise UsageError(f"--data {path}: {name}[{index}]{str(error).removeprefix('$')}") from None
    return items
