"""From the bytes of a page to its models, and back to the wire's spelling.

A page is decoded in one of two ways. The usual way is fast: msgspec parses the bytes into shapes, and cattrs structures
these with hooks that are written out field by field. Where this way fails, it does not matter why: orjson parses the
bytes again, and cattrs structures what they hold with detailed validation. That either succeeds, because the page is
good in a spelling that is seldom met, or it names the JSON path of the fault.

Nothing is coerced. A number where a string belongs is an error in both ways, never its spelling.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache, cached_property
from types import UnionType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Union, cast, get_args, get_origin

import attrs
import msgspec
import orjson
from cattrs import BaseValidationError, Converter
from cattrs.gen import make_dict_unstructure_fn, override

from aiotofupilot.errors import BODY_EXCERPT, DecodeError, InvalidJSONError
from aiotofupilot.models import Page, PageMeta

from .assembly import array_assembler, model_assembler, one_kind_of_array
from .detailed import detailed_converter, integer, locate
from .moments import read_duration, spell_date_time, spell_duration
from .shapes import shape, wire_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from .assembly import Hook

__all__ = ["PageDecoder", "to_wire"]

T = TypeVar("T")

_REFUSED: Any = object()


def _whole(value: Any, kind: object) -> Any:
    return value if value.__class__ is int else integer(value, kind)


@cache
def _fast() -> Converter:
    """Return the converter from shapes to models."""
    converter = Converter(detailed_validation=False)
    find_hook = converter.get_structure_hook
    converter.register_structure_hook(int, _whole)
    converter.register_structure_hook(timedelta, lambda text, _: read_duration(text))
    converter.register_structure_hook(dict, lambda value, _: value)

    def model_hook(model: Any) -> Hook:
        return model_assembler(model, find_hook)

    def array_hook(array: Any) -> Hook:
        return array_assembler(array, find_hook)

    def union_hook(union: Any) -> Hook:
        return one_kind_of_array(get_args(union))

    converter.register_structure_hook_factory(attrs.has, model_hook)
    converter.register_structure_hook_factory(_is(list, tuple), array_hook)
    converter.register_structure_hook_factory(_is(Union, UnionType), union_hook)
    return converter


def _is(*origins: object) -> Callable[[Any], bool]:
    return lambda kind: get_origin(kind) in origins


class PageDecoder(Generic[T]):
    """Decode the pages of one kind of item.

    Nothing is prepared before the first page comes, so that a decoder for each listing costs nothing.

    Args:
        item: The model of an item, an attrs class. Or `dict`, for items as the server sent them.
        bare: Whether a body is an array of items, with no envelope around it. It is then the only page.
    """

    def __init__(self, item: type[T], *, bare: bool = False) -> None:
        self._item = item
        self._bare = bare

    @cached_property
    def _document(self) -> Any:
        """The type of a whole body."""
        array = list[self._item]  # type: ignore[name-defined]  # a type that only the run time knows
        if self._bare:
            return array
        return attrs.make_class("Envelope", {"data": attrs.field(type=array), "meta": attrs.field(type=PageMeta)})

    @cached_property
    def _parse(self) -> Callable[[bytes], Any]:
        return msgspec.json.Decoder(shape(self._document)).decode

    @cached_property
    def _assemble(self) -> Hook:
        return _fast().get_structure_hook(self._document)

    def __call__(self, body: bytes, cursor: int) -> Page[T]:
        """Return the page that a body spells.

        Args:
            body: The bytes of the answer, decompressed.
            cursor: Where the page was asked to begin.

        Raises:
            InvalidJSONError: The body is not JSON.
            DecodeError: It is JSON, of another shape than the API promises.
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
        except Exception:  # noqa: BLE001 - whatever it was, the detailed way meets it too, and says where
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
        try:
            return detailed_converter().structure(document, self._document)
        except (BaseValidationError, TypeError) as error:
            path, fault = locate(error)
        raise DecodeError(f"{path}: {fault}", path=path, body=body[:BODY_EXCERPT])


@cache
def _wire_converter() -> Converter:
    converter = Converter()

    @converter.register_unstructure_hook_factory(attrs.has)
    def model_hook(model: Any) -> Callable[[Any], dict[str, Any]]:
        overrides: dict[str, Any] = {field.name: override(rename=wire_name(field)) for field in attrs.fields(model)}
        return make_dict_unstructure_fn(model, converter, **overrides)

    converter.register_unstructure_hook(datetime, spell_date_time)
    converter.register_unstructure_hook(timedelta, spell_duration)
    return converter


def to_wire(item: object) -> dict[str, Any]:
    """Return an item as the API spells it: its keys and order, dates in ISO 8601, UTC, with milliseconds and ``Z``."""
    return cast("dict[str, Any]", _wire_converter().unstructure(item))
