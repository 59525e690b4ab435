"""Turns the bytes of a page into models.

A page is decoded in one of two ways. The usual way is fast: msgspec parses the bytes into shapes, and cattrs structures
these with hooks that are written out field by field. If the fast way fails for any reason, orjson parses the bytes
again, and cattrs structures the result with detailed validation. This either succeeds, because the page is good but has
a rare spelling, or it names the JSON path of the fault.

msgspec and cattrs are imported when the first page comes. Importing cattrs takes a twentieth of the time that importing
aiohttp takes, and many programs import this package without listing anything.

Nothing is coerced. In both ways, a number where a string belongs is an error, and is not turned into a string.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs
import orjson

from aiotofupilot.errors import BODY_EXCERPT, DecodeError, InvalidJSONError
from aiotofupilot.models import Page, PageMeta

if TYPE_CHECKING:
    from collections.abc import Callable

    from .assembly import Hook

__all__ = ["PageDecoder", "ShapeDecoder"]

T = TypeVar("T")

_REFUSED: Any = object()


class PageDecoder(Generic[T]):
    """Decode the pages of one kind of item.

    A decoder prepares nothing before its first page, so a program can have one for each listing at no cost.

    Args:
        item: The model of an item, an attrs class. Or `dict`, for items as the server sent them.
        bare: Whether a body is an array of items, with no envelope around it. It is then the only page.
    """

    def __init__(self, item: type[T], *, bare: bool = False) -> None:
        self.item = item
        """The class of an item."""
        self._bare = bare

    @cached_property
    def _document(self) -> Any:
        """The type of a whole body."""
        array = list[self.item]  # type: ignore[name-defined]  # a type that only the run time knows
        if self._bare:
            return array
        return attrs.make_class("Envelope", {"data": attrs.field(type=array), "meta": attrs.field(type=PageMeta)})

    @cached_property
    def _parse(self) -> Callable[[bytes], Any]:
        from .shapes import parser  # noqa: PLC0415 - see the module's docstring

        return parser(self._document)

    @cached_property
    def _assemble(self) -> Hook:
        from .converters import shape_converter  # noqa: PLC0415 - see the module's docstring

        return shape_converter().get_structure_hook(self._document)

    def __call__(self, body: bytes, cursor: int) -> Page[T]:
        """Return the page that a body spells.

        Args:
            body: The bytes of the answer, decompressed.
            cursor: Where the page was asked to begin.

        Raises:
            InvalidJSONError: The body is not JSON.
            DecodeError: The body is JSON, but not what the API promises.
        """
        document = self._at_once(body)
        if document is _REFUSED:
            document = self._in_detail(body)
        if self._bare:
            return Page(document, PageMeta(has_more=False), cursor)
        return Page(document.data, document.meta, cursor)

    def _at_once(self, body: bytes) -> Any:
        parse, assemble = self._parse, self._assemble
        try:
            return assemble(parse(body), self._document)
        except Exception:  # noqa: BLE001 - the detailed way meets the same fault, and says where it is
            return _REFUSED

    def _in_detail(self, body: bytes) -> Any:
        # Errors are raised outside of the handlers. orjson's error keeps the whole body, and cattrs' errors quote it.
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            complaint = str(error)
        else:
            return self._structure(document, body)
        raise InvalidJSONError(f"the body is not JSON: {complaint}", body=body[:BODY_EXCERPT])

    def _structure(self, document: Any, body: bytes) -> Any:
        from .detailed import FAULTS, detailed_converter, locate  # noqa: PLC0415 - see the module's docstring

        try:
            return detailed_converter().structure(document, self._document)
        except FAULTS as error:
            path, fault = locate(error)
        raise DecodeError(f"{path}: {fault}", path=path, body=body[:BODY_EXCERPT])


class ShapeDecoder(PageDecoder[Any]):
    """Decode the pages of one kind of item to shapes, which have the attributes of the models and their values.

    The same pages are accepted. If a page has a rare spelling, its items are models and not shapes.
    """

    @cached_property
    def _assemble(self) -> Hook:
        from .converters import shape_converter  # noqa: PLC0415 - see the module's docstring
        from .settling import settler  # noqa: PLC0415 - few programs need it

        find_hook = shape_converter().get_structure_hook
        settle = settler(list[self.item], find_hook)  # type: ignore[name-defined]  # a type that only the run time knows
        structure_meta = find_hook(PageMeta)

        def assemble(document: Any, _: object) -> Any:
            if settle:
                settle(document if self._bare else document.data)
            if not self._bare:
                document.meta = structure_meta(document.meta, PageMeta)
            return document

        return assemble
