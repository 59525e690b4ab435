"""What goes wrong because of certain items, on whatever page they are.

An item is named by its ID, or by its position in the listing that is asked for, as the request filters and sorts it:
the first item has position 0. A position is only right where the server's cursors are offsets.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import orjson

from aiotofupilot.sandbox.delivery import Delivery

from .answers import status
from .fault import Alteration, Fault, fault

if TYPE_CHECKING:
    from random import Random

    from aiotofupilot.sandbox.request import Question

__all__ = ["malformed", "unreadable"]


@fault
def unreadable(*items: int | str, by: Fault | None = None) -> Alteration:
    """Let each page that holds one of these items meet a fault, and no other page.

    Args:
        items: Positions or IDs.
        by: What such a page meets, such as ``empty(504)`` or ``stall(60)``; None: ``status(500)``.
    """
    met = status(500) if by is None else by

    def alter(delivery: Delivery, request: Question, random: Random) -> Delivery:
        return met.alter(delivery, request, random) if _among(request, items) else delivery

    return alter


@fault
def malformed(*items: int | str) -> Alteration:
    """Write these items without an ID, which every item of the API has. The rest of the page is as it was.

    An answer that another fault has made something else of stays as that fault left it.

    Args:
        items: Positions or IDs.
    """

    def alter(delivery: Delivery, request: Question, _random: Random) -> Delivery:
        among = _among(request, items)
        document = _document(delivery) if among else None
        if document is None:
            return delivery
        listed = cast("list[Any]", document if isinstance(document, list) else document["data"])
        for index in among:
            listed[index]["id"] = None
        body = orjson.dumps(document)
        return delivery.with_answer(Delivery.of(200, {"Content-Type": "application/json"}, body))

    return alter


def _document(delivery: Delivery) -> Any:  # noqa: ANN401 - any JSON document
    """Give what the API answered; None: a fault has taken its place."""
    if delivery.status != HTTPStatus.OK:
        return None
    try:
        return orjson.loads(delivery.body)
    except orjson.JSONDecodeError:
        return None


def _among(request: Question, items: tuple[int | str, ...]) -> list[int]:
    """Give the indexes on the page of those of the items that are on it."""
    page = request.page
    if page is None:
        return []
    return [index for index, item in enumerate(page.data) if item.id in items or page.cursor + index in items]
