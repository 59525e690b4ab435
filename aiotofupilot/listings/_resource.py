"""The way to the server, and what it returns by itself: one item, with everything that it knows of it."""

from __future__ import annotations

import re
from functools import cache, partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, Self, TypeVar, get_args, get_origin
from urllib.parse import quote, unquote, urlencode

from aiotofupilot import models
from aiotofupilot._arguments import as_str, for_parameter, must_be
from aiotofupilot._paging import source
from aiotofupilot._public import internal
from aiotofupilot._wire.codec import ItemDecoder
from aiotofupilot._wire.response import Response, read_item, read_json
from aiotofupilot.stats import RequestCounts

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiotofupilot.clock import Deadline

D = TypeVar("D")
V = TypeVar("V")

_decoder = cache(ItemDecoder[Any])


class Connection(source.Connection, Protocol):
    """The way to the server. A listing knows nothing else of a session."""

    @property
    def concurrency(self) -> int:
        """How many pages may be in flight, if a listing does not set its own number."""
        ...

    @property
    def served(self) -> set[str]:
        """The paths of listings of which the server has returned one item by itself."""
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
        once: bool = False,
        deadline: Deadline | None = None,
        control: source.Control | None = None,
    ) -> V:
        """Return what a function reads from the response to a GET of a path and query, percent-encoded.

        How it is requested is as in `FetchOptions`.
        """
        ...


async def get_item(
    connection: Connection, target: str, model: type[D], *, missing: str, forbidden: str | None = None
) -> D:
    """Return the item at a path. What the hints mean is said at `read_item`."""
    kind: Any = model
    read = partial(read_item, decode=_decoder(kind), missing=missing, forbidden=forbidden)
    item: D = await connection.get(target, read, RequestCounts())
    return item


_PATH = re.compile(r'/v2/[!"$->@-~]+')
"""A path of the API, percent-encoded: visible ASCII without ``?`` and ``#``, which would end it."""


async def get_json(connection: Connection, path: object, query: object) -> Any:  # noqa: ANN401 - JSON can be anything
    """Return what the API has at a path; see `TofuPilotSession.get_json`."""
    from ._encoding import parameters  # noqa: PLC0415 - it needs the declarations of listings

    if not isinstance(path, str):
        raise must_be(TypeError, "path", "a string", path)
    target = as_str(path)
    segments = re.split(r"[/\\]", unquote(target))  # a server may decode a path before it divides it, and at both
    if _PATH.fullmatch(target) is None or not {".", ".."}.isdisjoint(segments):
        bound = "a percent-encoded path that begins with '/v2/', without '?', '#' and the segments '.' and '..'"
        raise must_be(ValueError, "path", bound, target)
    try:
        pairs = () if query is None else parameters("query", query)
    except (TypeError, ValueError) as error:
        for_parameter(error, "query")
        raise
    missing = f"the API has nothing at {path}, or the server is too old"
    read = partial(read_item, decode=read_json, missing=missing)
    return await connection.get(f"{target}?{urlencode(pairs)}" if pairs else target, read, RequestCounts())


def segment(parameter: str, value: object) -> str:
    """Return a text as one segment of a path, percent-encoded so that the server reads exactly this text.

    Raises:
        TypeError: It is not a string.
        ValueError: No path can hold it. URL parsers drop ``.`` and ``..``, encoded or not, and without a text the path
            is that of a listing.
    """
    if not isinstance(value, str):
        raise must_be(TypeError, parameter, "a string", value)
    if value in ("", ".", ".."):
        raise must_be(ValueError, parameter, "a text that an address can hold, so not '', '.' or '..'", as_str(value))
    try:
        return quote(as_str(value), safe="")
    except UnicodeEncodeError:  # half a surrogate pair
        raise must_be(ValueError, parameter, "a text that can be written in UTF-8", as_str(value)) from None


class Resource:
    """What the API has under one path.

    Args:
        connection: The way to the server.
    """

    name: ClassVar[str]
    """The API's word for the items."""
    path: ClassVar[str]
    """The path of the items, after the base URL."""

    @classmethod
    def _take_name(cls) -> None:
        """Name the items and their path after the class."""
        cls.name = cls.__name__.lower()
        cls.path = f"/v2/{cls.name}"

    @internal
    def __init__(self, connection: Connection) -> None:
        self.connection: Connection = connection
        """The way to the server."""


class Detailed(Resource, Generic[D]):
    """Items that the API also returns one by one.

    A subclass names the model, as a string, because the models take a while to load: ``Detailed["RunDetails"]``.
    """

    key: ClassVar[str] = "id"
    """The field that identifies an item."""
    is_recent: ClassVar[bool] = False
    """Whether older servers list the items but do not return one by itself."""
    forbidden: ClassVar[str | None] = None
    """The hint of an error that says that the key may not read an item. None: the usual one is right."""
    detail_model: ClassVar[str]
    """The name of the model."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for base in vars(cls)["__orig_bases__"]:
            if get_origin(base) is Detailed:
                (name,) = get_args(base)
                cls.detail_model = name.__forward_arg__

    async def get(self, key: str, /) -> D:
        """Return one item, with everything that the API knows of it.

        Any text is sent so that the server reads exactly this text. Whether upper and lower case matter in numbers is
        up to the server, so an item can have its number in other letters.

        Args:
            key: The ID of the item. For a unit it is the serial number, and for a part or a batch it is the number.

        Returns:
            A model with the name of the item and ``Details``, such as `RunDetails`. A log line has nothing more than in
            its listing, and is a `Log`.

        Raises:
            TypeError: The key is not a string.
            ValueError: The key is empty, ``.`` or ``..``, which no address can hold. Nothing was sent.
            NotFoundError: There is no such item.
            TofuPilotError: The server did not respond as it should.
        """
        item = await get_item(
            self.connection, self.target(key), self.details_class(), missing=self.missing(key), forbidden=self.forbidden
        )
        self.connection.served.add(self.path)
        return item

    @classmethod
    def details_class(cls) -> type[D]:
        """Return the model of one item."""
        model: type[D] = getattr(models, cls.detail_model)
        return model

    def target(self, key: str) -> str:
        """Return the path of one item, percent-encoded; see `segment`."""
        return f"{self.path}/{segment(self.key, key)}"

    def missing(self, key: str) -> str:
        """Return the hint of an error that says that there is no such item."""
        missing = f"{self.name} has no {key!r}"
        if self.is_recent:
            missing += f", or the server is too old to return one of its {self.name} by itself"
        return missing
