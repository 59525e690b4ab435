"""The connection to the server, and requests for single items."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar, Unpack, cast, get_args, get_origin
from urllib.parse import quote

from attrs import frozen

from aiotofupilot import models
from aiotofupilot._checks import as_str, must_be
from aiotofupilot._paging.source import Connection as PagingConnection, Identified
from aiotofupilot._request import FetchOptions, Label
from aiotofupilot._wire.codec import decoder
from aiotofupilot._wire.response import Response, read_item, read_json
from aiotofupilot._wire.times import read_date_time
from aiotofupilot.errors import DecodeError
from aiotofupilot.models import RawItem
from aiotofupilot.stats import RequestCounts

D = TypeVar("D")
V = TypeVar("V")


class Connection(PagingConnection, Protocol):
    """The part of a session that a listing uses."""

    @property
    def concurrency(self) -> int:
        """The default ``concurrency`` of a listing."""
        ...

    @property
    def served(self) -> set[str]:
        """The paths of listings from which the server has returned a single item."""
        ...

    def within(self, max_elapsed: float) -> Self:
        """As in `Source`."""
        ...

    async def get(
        self,
        target: str,
        read: Callable[[Response], V],
        counts: RequestCounts,
        *,
        label: Label,
        **options: Unpack[FetchOptions],
    ) -> V:
        """Send a GET for a percent-encoded path and query, and return what ``read`` makes of the response."""
        ...


async def get_item(
    connection: Connection, target: str, model: type[D], *, missing: str, forbidden: str | None = None
) -> D:
    read: Callable[[Response], D] = partial(read_item, decode=decoder(model), missing=missing, forbidden=forbidden)
    listing, *below = target.removeprefix("/v2/").split("/")
    return await connection.get(target, read, RequestCounts(), label=Label(listing, is_item=bool(below)))


def segment(parameter: str, value: object) -> str:
    """Return a text as one segment of a path. URL parsers drop ``.`` and ``..``, encoded or not."""
    if not isinstance(value, str):
        raise must_be(TypeError, parameter, "a string", value)
    if value in ("", ".", ".."):
        raise must_be(ValueError, parameter, "a text that an address can hold, so not '', '.' or '..'", as_str(value))
    try:
        return quote(as_str(value), safe="")
    except UnicodeEncodeError:  # half a surrogate pair
        raise must_be(ValueError, parameter, "a text that can be written in UTF-8", as_str(value)) from None


def value_in(item: object, name: str) -> Any:  # noqa: ANN401 - an item without a model holds anything
    """Return a field of an item, with or without a model, or None."""
    return cast("dict[str, Any]", item).get(name) if isinstance(item, dict) else getattr(item, name, None)


def time_in(item: Identified, name: str | None, *, may_lack: bool = True) -> datetime | None:
    """Return the time in a field of an item. None if ``name`` is None, or the item may lack a value."""
    value = None if name is None else value_in(item, name)
    if name is None or (value is None and may_lack):
        return None
    try:
        return value if isinstance(value, datetime) else read_date_time(cast("str", value))
    except (TypeError, ValueError) as error:
        raise DecodeError(f"{name} of {item.id!r}: expected a date-time, got {value!r}", path=name) from error


class Detailed(Generic[D]):
    """A listing whose items the API also returns one by one.

    It names their model, such as ``Detailed["models.RunDetails"]``, which is loaded with the first item.
    """

    name: ClassVar[str]
    path: ClassVar[str]
    connection: Connection
    key: ClassVar[str] = "id"
    """The field that identifies an item."""
    is_recent: ClassVar[bool] = False
    """Whether older servers list the items but do not return single ones."""
    forbidden: ClassVar[str | None] = None
    """The hint for a 403, or None for the usual one."""
    details_name: ClassVar[str]
    """The name of an item's class."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for base in vars(cls)["__orig_bases__"]:
            if get_origin(base) is Detailed:
                (named,) = get_args(base)
                cls.details_name = named.__forward_arg__.removeprefix("models.")

    @classmethod
    def detail_model(cls) -> type:
        """Return the class of an item's details."""
        return cast("type", getattr(models, cls.details_name))

    async def get(self, key: str, /) -> D:
        """Return one item, with everything that the API knows of it.

        Whether case matters in a number depends on the server.

        Args:
            key: The ID of the item. Units have their serial number instead, parts and batches their number.

        Returns:
            A model with the name of the item and ``Details``, such as `RunDetails`. A log line is a `Log`, as in its
            listing.

        Raises:
            TypeError: The key is not a string.
            ValueError: The key is empty, ``.`` or ``..``, which no address can hold. Nothing was sent.
            NotFoundError: There is no such item.
            TofuPilotError: The server did not respond as it should.
        """
        details: ItemDetails[D] = ItemDetails(self, self.detail_model(), decoder(self.detail_model()))
        return await details.request(key, details.decode, RequestCounts())


@frozen(eq=False)
class ItemDetails(Generic[D]):
    """The `DetailSource` of paging."""

    listing: Detailed[Any]
    model: type[D]
    """The class of the details, or `RawItem`."""
    decode: Callable[[bytes], D]

    @property
    def hint(self) -> str:
        of = self.listing
        return f"{of.path} lists it, but the server did not find it: it may be too old to return single {of.name}"

    @property
    def is_known(self) -> bool:
        return self.listing.path in self.listing.connection.served

    async def fetch(
        self, item: Identified, counts: RequestCounts, *, is_checked: bool, **options: Unpack[FetchOptions]
    ) -> bytes:
        key = value_in(item, self.listing.key)
        try:
            segment(self.listing.key, key)
        except (TypeError, ValueError) as error:
            raise DecodeError(f"{self.listing.name} has an item that cannot be requested: {error}") from error
        return await self.request(key, self._checked if is_checked else self._seeming, counts, **options)

    async def request(
        self, key: str, read: Callable[[bytes], V], counts: RequestCounts, **options: Unpack[FetchOptions]
    ) -> V:
        listing = self.listing
        target = f"{listing.path}/{segment(listing.key, key)}"
        missing = f"the {listing.name} have no {key!r}"
        if listing.is_recent:
            missing += f", or the server is too old to return single {listing.name}"
        of_response = partial(read_item, decode=read, missing=missing, forbidden=listing.forbidden)
        label = Label(listing.name, is_item=True)
        found: V = await listing.connection.get(target, of_response, counts, label=label, **options)
        listing.connection.served.add(listing.path)
        return found

    def _checked(self, body: bytes) -> bytes:
        self.decode(body)
        return body

    def _seeming(self, body: bytes) -> bytes:
        """Check only that the body is an object, and not a proxy's page or half a body."""
        return body if body[:1] == b"{" and body[-1:] == b"}" else self._checked(body)


def raw_item(body: bytes) -> RawItem:
    item = read_json(body)
    if not isinstance(item, dict):
        raise DecodeError("$: expected an object", path="$")
    return RawItem(cast("dict[str, Any]", item))
