"""TofuPilot's API as a function. It takes a path, a query and a key, and returns a status and JSON.

Nothing here waits or opens a socket, so a property test can call it thousands of times.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from aiotofupilot.models import Page, PageMeta

from .paging import Paging, offsets
from .parameters import read
from .request import Query
from .resources import RESOURCES
from .selection import select
from .wire import Answer, Refusal, not_found, write_array, write_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from orjson import Fragment

    from .factory import Factory
    from .paging import Window
    from .parameters import Asked
    from .pieces import Pieces
    from .request import Pairs
    from .resource import Resource

__all__ = ["Api"]

_ROOT = "/api/v2/"
_RESOURCES: Mapping[str, Resource[Any]] = {_ROOT + resource.name: resource for resource in RESOURCES}
_OF_PAGES = frozenset({"limit", "cursor", "include_metadata", "include_sequences"})
"""Parameters that do not select rows."""
_MOST_CHOSEN = 16
"""For at most this many queries, the selected rows are remembered."""
_FORBIDDEN_TO_STATIONS = frozenset({"procedures", "stations"})


class Api:
    """Answers requests for the listings of a factory.

    Attributes:
        factory: The items of all listings.
        api_key: Key of a user. It may list everything.
        station_key: Key of a station.
        station_listings: Names of the listings that the station's key may list. For procedures, sources disagree.
        paging: How listings are cut into pages.
        pagings: How single listings, by name, are cut into pages in another way.
    """

    def __init__(
        self,
        factory: Factory,
        *,
        api_key: str,
        station_key: str,
        paging: Paging = offsets,
        pagings: Mapping[str, Paging] | None = None,
        station_listings: Iterable[str] | None = None,
    ) -> None:
        """Describe the API.

        Args:
            factory: The items of all listings.
            api_key: Key of a user.
            station_key: Key of a station.
            paging: How listings are cut into pages.
            pagings: How single listings, by name, are cut into pages in another way; None: there are none.
            station_listings: What the station's key may list; None: all but procedures and stations.
        """
        names = {resource.name for resource in RESOURCES}
        self.factory = factory
        self.api_key = api_key
        self.station_key = station_key
        self.station_listings = set(names - _FORBIDDEN_TO_STATIONS if station_listings is None else station_listings)
        self.paging = paging
        self.pagings = dict(pagings or {})
        if unknown := (self.station_listings | self.pagings.keys()) - names:
            raise ValueError(f"there is no listing {min(unknown)!r}, only {', '.join(sorted(names))}")
        self._chosen: dict[tuple[Any, ...], tuple[tuple[Pieces[Any], ...], Sequence[int]]] = {}
        # A page of known items costs a quarter of a new one. Items are known by value, so a changed one is written
        # anew.
        self._json: dict[str, Callable[[Any], Fragment]] = {
            resource.name: lru_cache(maxsize=100_000)(resource.json) if resource.remembered else resource.json
            for resource in RESOURCES
        }

    @staticmethod
    def knows(path: str) -> bool:
        """Return whether a path leads to a listing.

        Args:
            path: The path as it was sent. Upper and lower case and a trailing slash do not matter.
        """
        return _find(path) is not None

    def answer(self, path: str, query: Pairs, authorization: str | None) -> Answer:
        """Answer one request.

        Args:
            path: The path as it was sent, such as ``/api/v2/runs``.
            query: The query parameters, decoded. Give pairs if names repeat.
            authorization: The header ``Authorization``; None: there was none.
        """
        try:
            return self.write(path, self.page(path, query, authorization))
        except Refusal as refusal:
            return refusal.answer()

    def page(self, path: str, query: Pairs, authorization: str | None) -> Page[Any]:
        """Return the page that `answer` writes.

        Args:
            path: As in `answer`.
            query: As in `answer`.
            authorization: As in `answer`.

        Raises:
            Refusal: There is no page for this path, key or query.
        """
        resource = _find(path)
        if resource is None:
            raise not_found()
        self._admit(resource.name, authorization)
        query = query if isinstance(query, Query) else Query(query)
        asked = read(resource.parameters, query)
        pieces, chosen = self._choose(resource, asked, query)
        if not resource.paged:
            return Page(data=list(pieces), meta=PageMeta(has_more=False))
        cut = self.pagings.get(resource.name, self.paging)
        cursor = max(asked["cursor"], 0)  # the validator of parts allows negative ones
        window = cut(len(chosen), cursor, asked["limit"])
        items = _take(pieces, chosen, window)
        if resource.dress is not None:
            items = [resource.dress(item, asked, self.factory) for item in items]
        return Page(
            data=items,
            meta=PageMeta(has_more=window.has_more, next_cursor=window.next_cursor),
            cursor=cursor,
        )

    def _choose(self, resource: Resource[Any], asked: Asked, query: Query) -> tuple[Pieces[Any], Sequence[int]]:
        """Return the rows of a listing, and the positions of the rows that are asked for.

        The positions are remembered for the other pages, until something changes.
        """
        pieces = self.factory.pieces(resource.name)
        if resource.make is None:  # a plain list does not say whether it has changed
            return pieces, select(resource, pieces, asked, self.factory)
        state = self.factory.state
        pieces = self.factory.pieces(resource.name)  # again, because another thread may have changed them
        key = (resource.name, *sorted(pair for pair in query.pairs if pair[0] not in _OF_PAGES))
        known = self._chosen.pop(key, None)
        if known is None or known[0] != state:
            known = state, select(resource, pieces, asked, self.factory)
        if self.factory.state == state:
            self._chosen[key] = known
            if len(self._chosen) > _MOST_CHOSEN:
                del self._chosen[next(iter(self._chosen))]
        return pieces, known[1]

    def write(self, path: str, page: Page[Any]) -> Answer:
        """Write a page of a listing as JSON.

        Args:
            path: The path of the listing, as in `answer`.
            page: The page.

        Raises:
            Refusal: There is no such listing.
        """
        resource = _find(path)
        if resource is None:
            raise not_found()
        items = map(self._json[resource.name], page.data)
        return write_page(items, page.meta) if resource.paged else write_array(items)

    def _admit(self, name: str, authorization: str | None) -> None:
        """Check the key.

        Raises:
            Refusal: The key may not list this.
        """
        if authorization == f"Bearer {self.station_key}":
            if name not in self.station_listings:
                raise Refusal(403, "FORBIDDEN", f"Stations cannot read {name}")
        elif authorization != f"Bearer {self.api_key}":
            raise Refusal(401, "UNAUTHORIZED", "Unauthorized")


@lru_cache(maxsize=256)
def _find(path: str) -> Resource[Any] | None:
    """Find the listing at a path. Upper and lower case and a trailing slash do not matter."""
    return _RESOURCES.get(path.removesuffix("/").lower())


def _take(pieces: Pieces[Any], chosen: Sequence[int], window: Window) -> list[Any]:
    """Return the chosen rows in a window."""
    if isinstance(chosen, range) and chosen.step == 1:
        return pieces[window.start : window.stop]
    return [pieces[position] for position in chosen[window.start : window.stop]]
