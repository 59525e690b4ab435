"""How the details of the items of a listing are fetched, one by one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Unpack, cast

from attrs import Factory, field, frozen

from aiotofupilot._wire.codec import ItemDecoder
from aiotofupilot._wire.response import read_item, read_json
from aiotofupilot.errors import DecodeError
from aiotofupilot.models import RawItem

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiotofupilot._paging.source import FetchOptions, Identified
    from aiotofupilot.stats import RequestCounts

    from ._resource import Detailed

D = TypeVar("D")


def _decoder(details: ItemDetails[Any]) -> Callable[[bytes], Any]:
    return _raw if details.is_raw else ItemDecoder(details.model)


@frozen(eq=False)
class ItemDetails(Generic[D]):
    """How `Detailed.get` reads the items that a listing has found. Paging knows it as a `DetailSource`."""

    listing: Detailed[D]
    """What has the items."""
    is_raw: bool = field(kw_only=True)
    """Whether details are what the server sends, and not models."""
    _decode: Callable[[bytes], Any] = field(init=False, default=Factory(_decoder, takes_self=True))

    @property
    def model(self) -> type[D]:
        """The class of the details."""
        return cast("type[D]", RawItem) if self.is_raw else self.listing.details_class()

    @property
    def name(self) -> str:
        """The API's word for the items."""
        return self.listing.name

    @property
    def path(self) -> str:
        """The path of the items."""
        return self.listing.path

    @property
    def is_known(self) -> bool:
        """As in `DetailSource`."""
        return self.path in self.listing.connection.served

    async def fetch(
        self, item: Identified, counts: RequestCounts, *, is_checked: bool, **options: Unpack[FetchOptions]
    ) -> bytes:
        """Return the details of an item, not decoded; see `DetailSource.fetch`."""
        listing = self.listing
        key: Any = cast("dict[str, Any]", item).get(listing.key) if self.is_raw else getattr(item, listing.key)
        try:
            target = listing.target(key)
        except (TypeError, ValueError) as error:
            raise DecodeError(f"{listing.name} has an item that cannot be requested: {error}") from error
        read = partial(
            read_item,
            decode=self._checked if is_checked else self._seeming,
            missing=listing.missing(key),
            forbidden=listing.forbidden,
        )
        body = await listing.connection.get(target, read, counts, **options)
        listing.connection.served.add(self.path)
        return body

    def decode(self, body: bytes) -> D:
        """Return the details in a body; see `DetailSource.decode`."""
        details: D = self._decode(body)
        return details

    def _checked(self, body: bytes) -> bytes:
        self.decode(body)
        return body

    def _seeming(self, body: bytes) -> bytes:
        """Return a body that looks like an object, and raise an error for a proxy's page and for a part of one."""
        return body if body[:1] == b"{" and body[-1:] == b"}" else self._checked(body)


def _raw(body: bytes) -> RawItem:
    item = read_json(body)
    if not isinstance(item, dict):
        raise DecodeError("$: expected an object", path="$")
    return RawItem(cast("dict[str, Any]", item))
