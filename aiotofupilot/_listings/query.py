"""One query of a listing: filters and order as they are sent, how its pages are fetched, and how it is narrowed."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlencode

from attrs import Factory, evolve, field, frozen

from aiotofupilot._paging.memory import Identified
from aiotofupilot._paging.source import Source
from aiotofupilot._wire.response import read_page
from aiotofupilot._wire.spelling import spell_date_time
from aiotofupilot.models import Page, PageMeta
from aiotofupilot.shard import Shard

from .timeline import QueryTimeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aiotofupilot._wire.query import Pairs
    from aiotofupilot.models import RawItem
    from aiotofupilot.stats import RequestCounts

    from .listing import Listing

__all__ = ["Query"]

T = TypeVar("T", bound=Identified)

_ORDER = frozenset({"sort_by", "sort_order"})


def _encoded(query: Query[Any]) -> str:
    return urlencode(query.pairs)


def _has_empty_range(query: Query[Any]) -> bool:
    after, before = query.bound("after"), query.bound("before")
    return after is not None and before is not None and datetime.fromisoformat(after) > datetime.fromisoformat(before)


class Decode(Protocol[T]):
    """Reads a page."""

    @property
    def item(self) -> type[T]:
        """The class of an item."""
        ...

    def __call__(self, body: bytes, cursor: int) -> Page[T]:
        """Return the page that a body spells, given the cursor that it was asked for."""
        ...


@frozen(eq=False)
class Query(Source[T]):
    """A listing with its filters and order. Paging knows it as a `Source`."""

    listing: Listing[Any]
    """What is listed, and how the server is reached."""
    pairs: Pairs
    """Filters and order, checked and spelled."""
    decode: Decode[T]
    """Reads a page from a body and its cursor."""
    _text: str = field(init=False, default=Factory(_encoded, takes_self=True))
    _is_empty: bool = field(init=False, default=Factory(_has_empty_range, takes_self=True))

    @property
    def model(self) -> type[T]:
        """The class of an item."""
        return self.decode.item

    @property
    def timeline(self) -> QueryTimeline[T] | None:
        """How the query is divided by time; see `Source.timeline`."""
        listing = self.listing
        field, name = listing.shard_field or listing.creation_field, listing.shard_filter or listing.creation_filter
        return None if field is None or name is None else QueryTimeline(self, field, name)

    @property
    def whole(self) -> Shard[T]:
        """The query as a single shard."""
        return Shard(listing=self.listing.name, query=self.pairs)

    @property
    def digest(self) -> str:
        """A few characters that tell this query from others."""
        hashed = hashlib.blake2b(urlencode(sorted(self.pairs)).encode(), digest_size=6).digest()
        return urlsafe_b64encode(hashed).decode()

    def bound(self, end: str) -> str | None:
        """Return one bound on the moment of creation, as it is spelled; None: there is none.

        Args:
            end: ``after`` or ``before``.
        """
        name = f"{self.listing.creation_filter}_{end}"
        return next((value for key, value in self.pairs if key == name), None)

    async def fetch(self, cursor: int, limit: int, counts: RequestCounts, *, once: bool = False) -> Page[T]:
        """Return the page that begins at a cursor. Where no moment lies within the bounds, the server is not asked."""
        if self._is_empty:
            return Page([], PageMeta(has_more=False), cursor)
        listing = self.listing
        if listing.is_bare:
            read = partial(read_page, cursor=0, decode=self.decode)
            page = await listing.connection.get(listing.path, read, counts, once=once)
            return evolve(page, data=page.data[cursor:], cursor=cursor)  # there is no cursor that the server knows
        target = f"{listing.path}?limit={limit}"
        if self._text:
            target += f"&{self._text}"
        if cursor:
            target += f"&cursor={cursor}"
        read = partial(read_page, cursor=cursor, decode=self.decode)
        return await listing.connection.get(target, read, counts, once=once)

    def raw(self) -> Query[RawItem]:
        """Return the same query with its items as the server sends them."""
        return Query(self.listing, self.pairs, self.listing.decode_raw)

    def shapes(self) -> Query[Any]:
        """Return the same query with items that have the attributes and the values of the models, and no more."""
        return Query(self.listing, self.pairs, self.listing.decode_shapes)

    def narrowed(
        self,
        *,
        after: datetime | None = None,
        before: datetime | None = None,
        oldest_first: bool = False,
        run_ids: Iterable[str] = (),
    ) -> Query[T]:
        """Return the same query for some of its items only; see `Source.narrowed`."""
        changed: dict[str, Pairs] = {}
        if after is not None:
            changed |= self._bounded("after", max, spell_date_time(after))
        if before is not None:
            changed |= self._bounded("before", min, spell_date_time(before, round_up=True))
        if oldest_first:
            order = self._offered(self.listing.oldest_first, "cannot be asked for the oldest first")
            changed |= {"sort_by": (("sort_by", order),), "sort_order": (("sort_order", "asc"),)}
        if runs := tuple(run_ids):
            name = self._offered(self.listing.run_filter, "are not listed by run")
            changed[name] = tuple((name, run_id) for run_id in runs)
        kept = (pair for pair in self.pairs if pair[0] not in changed)
        return evolve(self, pairs=(*kept, *(pair for pairs in changed.values() for pair in pairs)))

    def _bounded(self, end: str, choose: Callable[..., str], moment: str) -> dict[str, Pairs]:
        name = self._offered(self.listing.creation_filter, "have no filter on their creation")
        own = self.bound(end)
        chosen = moment if own is None else choose(own, moment, key=datetime.fromisoformat)
        return {f"{name}_{end}": ((f"{name}_{end}", chosen),)}

    def _offered(self, name: str | None, complaint: str) -> str:
        if name is None:
            raise ValueError(f"{self.listing.name} {complaint}")
        return name
