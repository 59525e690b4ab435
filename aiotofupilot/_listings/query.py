"""One query of a listing: its filters and its order, how its pages are fetched, and how it is narrowed."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from attrs import Factory, evolve, field, frozen

from aiotofupilot import _listings
from aiotofupilot._paging.source import Identified, Source
from aiotofupilot._wire.moments import read_http_date
from aiotofupilot._wire.query import Pairs, encoded
from aiotofupilot._wire.response import read_page
from aiotofupilot.models import Page, PageMeta
from aiotofupilot.shard import Shard

from .bounds import bounded, bounds_of
from .fields import creation_in, text_at
from .timeline import QueryTimeline

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from aiotofupilot._paging.source import Order
    from aiotofupilot.clock import Clock
    from aiotofupilot.models import RawItem, Run
    from aiotofupilot.stats import RequestCounts

    from .listing import Listing

__all__ = ["Query"]

T = TypeVar("T", bound=Identified)

_ORDER = frozenset({"sort_by", "sort_order"})

_RUN_FILTERS = {
    "procedure_id": "procedure_ids",
    "procedure_ids": "procedure_ids",
    "procedure_versions": "procedure_versions",
    "deployment_ids": "deployment_ids",
    "environments": "environments",
    "serial_numbers": "serial_numbers",
    "part_numbers": "part_numbers",
    "revision_numbers": "revision_numbers",
    "batch_numbers": "batch_numbers",
    "operated_by_ids": "operated_by_ids",
    "operated_by_names": "operated_by_names",
    "created_by_user_ids": "created_by_user_ids",
    "created_by_station_ids": "created_by_station_ids",
}
"""Filters that look at the run, in listings of what runs wrote. The values are their names in the listing of runs."""


def _encoded(query: Query[Any]) -> str:
    return encoded(query.pairs)


def _has_empty_range(query: Query[Any]) -> bool:
    name = query.listing.creation_filter
    after, before = (None, None) if name is None else bounds_of(query.pairs, name)
    return after is not None and before is not None and after > before


class Decode(Protocol[T]):
    """Reads a page."""

    @property
    def item(self) -> type[T]:
        """The class of an item."""
        ...

    def __call__(self, body: bytes, cursor: int) -> Page[T]:
        """Return the page in a body. The cursor is the one that was asked for."""
        ...


@frozen(eq=False)
class Query(Source[T]):
    """A listing with its filters and order. Paging knows it as a `Source`."""

    listing: Listing[Any]
    """What is listed, with the way to the server."""
    pairs: Pairs
    """Filters and order, checked and spelled."""
    decode: Decode[T]
    """Reads a page from a body and its cursor."""
    part: Shard[Any] | None = None
    """The shard whose items are asked for, with slightly wider bounds; None: the query is not a shard's."""
    _text: str = field(init=False, default=Factory(_encoded, takes_self=True))
    _is_empty: bool = field(init=False, default=Factory(_has_empty_range, takes_self=True))

    @property
    def model(self) -> type[T]:
        """The class of an item."""
        return self.decode.item

    @property
    def timeline(self) -> QueryTimeline | None:
        """How the query is divided by time; see `Source.timeline`."""
        cut_by = self.listing.cut_by
        return None if cut_by is None else QueryTimeline(self, *cut_by)

    @property
    def whole(self) -> Shard[T]:
        """The query as a single shard."""
        return self.part or Shard(listing=self.listing.name, query=self.pairs)

    @property
    def digest(self) -> str:
        """A few characters that differ between queries."""
        hashed = hashlib.blake2b(encoded(tuple(sorted(self.pairs))).encode(), digest_size=6).digest()
        return urlsafe_b64encode(hashed).decode()

    async def fetch(self, cursor: int, limit: int, counts: RequestCounts, *, once: bool = False) -> Page[T]:
        """Return the page that begins at a cursor. If the bounds exclude every moment, the server is not asked."""
        if self._is_empty:
            return Page([], PageMeta(has_more=False), cursor)
        listing = self.listing
        if listing.is_bare:
            read = partial(read_page, cursor=0, decode=self.decode)
            page = await listing.connection.get(listing.path, read, counts, once=once)
            return evolve(page, data=page.data[cursor:], cursor=cursor)  # the server knows no cursor here
        target = f"{listing.path}?limit={limit}"
        if self._text:
            target += f"&{self._text}"
        if cursor:
            target += f"&cursor={cursor}"
        read = partial(read_page, cursor=cursor, decode=self.decode)
        return await listing.connection.get(target, read, counts, once=once)

    def raw(self) -> Query[RawItem]:
        """Return the same query, with items as the server sends them."""
        return Query(self.listing, self.pairs, self.listing.decode_raw, self.part)

    def shapes(self) -> Query[Any]:
        """Return the same query, with shapes as items. They have the attributes and values of the models."""
        return Query(self.listing, self.pairs, self.listing.decode_shapes, self.part)

    def narrowed(
        self,
        *,
        after: datetime | None = None,
        before: datetime | None = None,
        order: Order | None = None,
        run_ids: Iterable[str] = (),
        procedure_id: str | None = None,
    ) -> Query[T]:
        """Return the same query for some of its items; see `Source.narrowed`."""
        pairs = self.pairs
        if after is not None or before is not None:
            name = self._offered(self.listing.creation_filter, "have no filter on their creation")
            pairs = bounded(pairs, name, after=after, before=before)
        changed: dict[str, Pairs] = {}
        if order is not None:
            sort_by = self._offered(self.listing.oldest_first, "cannot be asked for the oldest first")
            changed |= {"sort_by": (("sort_by", sort_by),), "sort_order": (("sort_order", order),)}
        if runs := tuple(run_ids):
            name = self._offered(self.listing.run_filter, "are not listed by run")
            changed[name] = tuple((name, run_id) for run_id in runs)
        if procedure_id is not None:
            name = self._offered(self.listing.procedure_filter, "can be listed without naming a procedure")
            changed[name] = ((name, procedure_id),)
        kept = (pair for pair in pairs if pair[0] not in changed)
        return evolve(self, pairs=(*kept, *chain.from_iterable(changed.values())))

    @property
    def has_own_order(self) -> bool:
        """Whether the query names the order of the items."""
        return any(name in _ORDER for name, _ in self.pairs)

    @property
    def can_be_bounded(self) -> bool:
        """Whether items can be asked for by the moment of their creation."""
        return self.listing.creation_filter is not None

    @property
    def can_be_ordered(self) -> bool:
        """Whether items can be asked for in the order of their creation."""
        return self.listing.oldest_first is not None

    def created_at(self, item: T) -> datetime | None:
        """Return when an item was created; see `Source.created_at`."""
        name = self.listing.creation_field
        return None if name is None else creation_in(item, name)

    def runs(self) -> Query[Any] | None:
        """Return the query for the runs whose items are asked for; None: the items do not belong to runs."""
        if self.listing.run_filter is None:
            return None
        names = _RUN_FILTERS | {self.listing.run_filter: "ids"}
        runs = _listings.Runs(self.listing.connection)
        return Query(runs, tuple((names[name], value) for name, value in self.pairs if name in names), runs.decode)

    def run_id(self, item: T) -> str:
        """Return the ID of the run that wrote an item."""
        return text_at(item, self.listing.run_field)

    def procedure_id(self, run: Run) -> str | None:
        """Return the procedure that a request for a run's items has to name; None: it has to name none."""
        name = self.listing.procedure_filter
        if name is None or any(key == name for key, _ in self.pairs):
            return None
        return run.procedure.id

    def served_at(self, page: Page[Any]) -> datetime | None:
        """Return the server's time when it answered with a page; None: the server did not say."""
        return read_http_date(page.headers.get("Date", ""))

    @property
    def clock(self) -> Clock:
        """Time and chance."""
        return self.listing.connection.clock

    async def pause(self, seconds: float) -> None:
        """Wait between two requests; see `Source.pause`."""
        await self.listing.connection.pause(seconds)

    def _offered(self, name: str | None, complaint: str) -> str:
        if name is None:
            raise ValueError(f"{self.listing.name} {complaint}")
        return name
