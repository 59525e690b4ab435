"""Faults of certain items, on any page that holds them.

An item is named by its ID, or by its position in the listing as the request filters and sorts it. The first item has
the position 0. Positions can be used only if the server's cursors are offsets.
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
    """Apply a fault to each page that holds one of these items, and to no other page.

    Args:
        items: Positions or IDs.
        by: The fault of such a page, such as ``empty(504)`` or ``stall(60)``; None: ``status(500)``.
    """
    met = status(500) if by is None else by

    def alter(delivery: Delivery, request: Question, random: Random) -> Delivery:
        return met.alter(delivery, request, random) if _among(request, items) else delivery

    return alter


@fault
def malformed(*items: int | str) -> Alteration:
    """Write null as the ID of these items. The rest of the page stays the same.

    An answer that another fault has replaced stays as it is.

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
    """Return the document that the API answered; None: another fault has replaced it."""
    if delivery.status != HTTPStatus.OK:
        return None
    try:
        return orjson.loads(delivery.body)
    except orjson.JSONDecodeError:
        return None


def _among(request: Question, items: tuple[int | str, ...]) -> list[int]:
    """Return the indexes of the named items that are on the page."""
    page = request.page
    if page is None:
        return []
    return [index for index, item in enumerate(page.data) if item.id in items or page.cursor + index in items]
