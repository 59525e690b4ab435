"""Reads pages and items into models, and converts single items from and to JSON objects.

In the fast way, msgspec parses the bytes into models, and cattrs makes the items that have none. If the fast way fails,
the detailed way follows: cattrs structures plain JSON with detailed validation. It succeeds if the body is valid but
has a rare form. Otherwise it names the JSON path of the fault.

Both libraries are imported with the first page. Neither way converts types: a number in place of a string is an error.
"""

from collections.abc import Callable
from functools import cache, cached_property
from typing import Any, Generic, TypeVar, cast, get_args

import attrs

from aiotofupilot import models
from aiotofupilot.errors import DecodeError
from aiotofupilot.models import Page, PageMeta, RawItem

from .response import excerpt, read_json

__all__ = ["from_wire", "to_wire"]

T = TypeVar("T")
C = TypeVar("C")


class Decoder(Generic[C]):
    """Decodes bodies of one kind.

    It returns a model, or the items of a page with its `PageMeta`. A body that is not JSON raises an
    `InvalidJSONError`. JSON that is not what the API promises raises a `DecodeError`.

    Args:
        kind: A model or `RawItem`, or a `Page` or ``list`` of it. A ``list`` is for a listing of a single page.
        structs: Whether to return structs with the models' attributes. Pages in a rare form have models even then.
    """

    item: type[Any]
    is_own = False
    """Whether items hold objects of the user's class."""
    converter: Any = None
    """The user's cattrs converter for such a class, or None."""

    def __init__(self, kind: Any, *, structs: bool = False) -> None:
        (self.item,) = get_args(kind) or (kind,)
        self._kind = kind
        self.structs = structs

    def __call__(self, body: bytes) -> C:
        decode = self._at_once
        try:
            return decode(body)
        except Exception:  # noqa: BLE001, S110 - the detailed way finds the same fault, and says where it is
            pass
        return self._in_detail(body)  # outside of the handler, because the error may quote the body

    @cached_property
    def _at_once(self) -> Callable[[bytes], C]:
        """The fast way. It raises any error for a faulty body or a rare form."""
        from .structs import fast_way  # noqa: PLC0415 - see the module's docstring

        return fast_way(self._kind, structs=self.structs)

    def _in_detail(self, body: bytes) -> C:
        import msgspec  # noqa: PLC0415 - see the module's docstring

        from .detailed import structured  # noqa: PLC0415 - see the module's docstring

        document = read_json(body)
        try:
            return cast("C", structured(document, self._kind))
        except DecodeError as error:
            if error.item is not None:
                items = document["data"] if error.path.startswith("$.") else document
                body = msgspec.json.encode(items[error.item])
            error.body = excerpt(body)
            raise


decoder: Callable[..., Decoder[Any]] = cache(Decoder[Any])
"""Returns the same decoder each time for the same kind, because the first body takes a decoder much longer."""


def from_wire(document: object, model: type[T]) -> T:
    """Return the item for a JSON object in the API's format: the reverse of `to_wire`.

    Args:
        document: The parsed object, such as a `RawItem`, or a line of JSON that the command wrote.
        model: The model of the item, such as `Run`.

    Raises:
        DecodeError: The object is not an item of this model. `DecodeError.path` locates the fault.
        TypeError: ``model`` is not a model of this package.
    """
    from .detailed import structured  # noqa: PLC0415 - see the module's docstring

    kind: Any = model
    is_model = isinstance(kind, type) and attrs.has(kind) and getattr(models, kind.__name__, None) is kind
    if not is_model or kind in {Page, PageMeta}:
        raise TypeError(f"model must be a model of aiotofupilot, such as Run, got {model!r}")
    return cast("T", structured({**document} if isinstance(document, RawItem) else document, kind))


def to_wire(item: object, *, with_secrets: bool = True) -> dict[str, Any]:
    """Return an item in the API's format: its keys and order, and dates in UTC with milliseconds and ``Z``.

    A date with a fraction of a millisecond keeps its microseconds, so that `from_wire` restores it.

    Args:
        item: A model, such as a `Run`, or a part of one, such as a `RunUnit`.
        with_secrets: Whether to include fields that no repr shows, such as `Attachment.download_url`. Without them,
            `from_wire` may refuse the object.
    """
    from .detailed import wire_converter  # noqa: PLC0415 - see the module's docstring

    return cast("dict[str, Any]", wire_converter(with_secrets=with_secrets).unstructure(item))
