"""From the bytes of a page to its models, and back to the wire's spelling: orjson parses, cattrs structures.

Nothing is coerced: a number where a string belongs is an error, never its spelling. The fast converter stops at a fault
without saying where; only then does the detailed one go over the page again, to name the place.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import attrs
import orjson
from cattrs import BaseValidationError, ClassValidationError, Converter, IterableValidationError
from cattrs.cols import list_structure_factory
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from ._hooks import procedures_hook
from ._protocol import date_time
from .checkpoint import LARGEST
from .errors import BODY_EXCERPT, DecodeError, InvalidJSONError
from .models import Page, Procedure

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._hooks import Hook

__all__ = ["PageDecoder", "to_wire"]

T = TypeVar("T")

_WIRE_NAMES = {"full_name": "fullName", "linked_repository": "linkedRepository"}
"""Every other field is spelled on the wire as it is here."""

_KINDS: dict[type, str] = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}


def _wire_name(field: str) -> str:
    return _WIRE_NAMES.get(field, field)


def _wire_names(model: Any) -> dict[str, str]:
    return {field.name: _wire_name(field.name) for field in attrs.fields(getattr(model, "__origin__", model))}


def _expect(cls: type, wanted: str, value: object) -> None:
    if value.__class__ is not cls:
        raise TypeError(f"expected {wanted}, got {_KINDS.get(type(value), 'a number')}")


def _string(value: Any, _: object) -> Any:
    _expect(str, "a string", value)
    return value


def _boolean(value: Any, _: object) -> Any:
    _expect(bool, "a boolean", value)
    return value


def _integer(value: Any, _: object) -> Any:
    if value.__class__ is float and value.is_integer():  # older servers wrote 50.0
        value = int(value)
    _expect(int, "an integer", value)
    if abs(value) > LARGEST:
        raise ValueError(f"expected an integer from -(2 ** 53 - 1) to 2 ** 53 - 1, got {value}")
    return value


def _moment(value: Any, _: object) -> datetime:
    _expect(str, "a date-time string", value)
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(f"expected a date-time with a UTC offset, got {value!r}")
    return moment


def _converter(*, detailed: bool) -> Converter:
    converter = Converter(detailed_validation=detailed)

    @converter.register_structure_hook_factory(attrs.has)
    def model_hook(model: Any) -> Hook:
        overrides: dict[str, Any] = {field: override(rename=name) for field, name in _wire_names(model).items()}
        if "cursor" in overrides:  # a page is told where it began by whoever asked for it
            overrides["cursor"] = override(omit=True)
        build = make_dict_structure_fn(model, converter, **overrides)
        if not detailed:  # whatever is not an object lacks its keys, and fails by that
            return build

        def structure(value: Any, _: object) -> Any:
            _expect(dict, "an object", value)
            return build(value, model)

        return structure

    @converter.register_structure_hook_factory(lambda cl: getattr(cl, "__origin__", None) is list)
    def array_hook(cl: Any) -> Hook:
        build = list_structure_factory(cl, converter)

        def structure(value: Any, _: object) -> Any:
            _expect(list, "an array", value)
            return build(value, cl)

        if cl == list[Procedure] and not detailed:
            return procedures_hook(converter.get_structure_hook, structure)
        return structure

    for cls, hook in {str: _string, bool: _boolean, int: _integer, datetime: _moment}.items():
        converter.register_structure_hook(cls, hook)
    return converter


_FAST, _DETAILED = _converter(detailed=False), _converter(detailed=True)


def _locate(error: BaseException, path: str = "$") -> tuple[str, str]:
    """Return the JSON path of the first fault, and what is wrong there."""
    if isinstance(error, IterableValidationError):
        (fault, index), *_ = error.group_exceptions()[0]
        return _locate(fault, f"{path}[{index.index}]")
    if isinstance(error, ClassValidationError):
        (fault, field), *_ = error.group_exceptions()[0]
        return _locate(fault, f"{path}.{_wire_name(field.name)}")
    return path, "it is missing" if isinstance(error, KeyError) else str(error)


class PageDecoder(Generic[T]):
    """Decode the pages of one kind of item.

    Args:
        item: The model of an item, an attrs class.
    """

    def __init__(self, item: type[T]) -> None:
        page = Page[item]  # type: ignore[valid-type]  # a class that only the run time knows
        self._page = page
        self._fast: Hook = _FAST.get_structure_hook(page)
        self._detailed: Hook = _DETAILED.get_structure_hook(page)

    def __call__(self, body: bytes, cursor: int) -> Page[T]:
        """Return the page that a body spells.

        Args:
            body: The bytes of the answer, decompressed.
            cursor: Where the page was asked to begin.

        Raises:
            InvalidJSONError: The body is not JSON.
            DecodeError: It is JSON, of another shape than the API promises.
        """
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise InvalidJSONError(f"the body is not JSON: {error}", body=body[:BODY_EXCERPT]) from error
        try:
            page: Page[T] = self._fast(document, self._page)
        except Exception:  # noqa: BLE001 - whatever it was, the detailed converter meets it too, and says where
            page = self._explain(document, body)
        return Page(page.data, page.meta, cursor)

    def _explain(self, document: object, body: bytes) -> Page[T]:
        try:
            return self._detailed(document, self._page)  # type: ignore[no-any-return]  # a hook is untyped
        except (BaseValidationError, TypeError) as error:
            path, fault = _locate(error)
            raise DecodeError(f"{path}: {fault}", path=path, body=body[:BODY_EXCERPT]) from error


@cache
def _wire_converter() -> Converter:
    converter = Converter()

    @converter.register_unstructure_hook_factory(attrs.has)
    def model_hook(model: Any) -> Callable[[Any], dict[str, Any]]:
        overrides: dict[str, Any] = {name: override(rename=wire) for name, wire in _wire_names(model).items()}
        return make_dict_unstructure_fn(model, converter, **overrides)

    converter.register_unstructure_hook(datetime, date_time)
    return converter


def to_wire(item: object) -> dict[str, Any]:
    """Return an item as the API spells it: its keys and order, dates in ISO 8601, UTC, with milliseconds and ``Z``."""
    return cast("dict[str, Any]", _wire_converter().unstructure(item))
