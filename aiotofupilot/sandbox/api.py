"""TofuPilot's API as a function. It takes a path, a query and a key, and returns a status and JSON.

Nothing here waits or opens a socket, so a property test can call it thousands of times.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from aiotofupilot.models import Identity, Organization, Page, PageMeta, StationRef, UserRef

from .paging import Paging, offsets
from .parameters import Values, read
from .request import Pairs, Query
from .resources import RESOURCES
from .wire import Refusal, Response, document, dumps, not_found, write_array, write_page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .factory import Factory
    from .resource import Resource, Snapshot

__all__ = ["Api"]

_ROOT = "/api/v2/"
_OF_PAGES = frozenset({"limit", "cursor", "include_metadata", "include_sequences"})
"""Parameters that do not select items."""
_MOST_SELECTED = 16
"""For at most this many queries, the selected items are remembered."""
_WHOAMI = "whoami"
_FORBIDDEN_TO_STATIONS = frozenset({"stations"})
"""Tests of the official SDK: https://github.com/tofupilot/python/tree/main/tests/v2"""


class Api:
    """Answers requests for the listings of a factory.

    Attributes:
        factory: The items of all listings.
        api_key: Key of a user. It may list everything.
        station_key: Key of a station. It gets a 403 for listings that are not in `station_listings`.
        station_listings: Names of the listings that the station's key may list. You may change it at any time. If None
            is given, these are all but stations, as in the tests of the official SDK.
        paging: How listings are cut into pages. You may set it at any time.
        pagings: How single listings, by name, are cut into pages in another way. You may change it at any time. If None
            is given, there are none.
        organization: The organization that both keys belong to. You may set it at any time.
    """

    def __init__(
        self,
        factory: Factory,
        *,
        api_key: str,
        station_key: str,
        station_listings: Iterable[str] | None = None,
        paging: Paging = offsets,
        pagings: Mapping[str, Paging] | None = None,
    ) -> None:
        """Describe the API.

        Raises:
            ValueError: There is no such listing.
        """
        self.factory: Factory = factory
        self.api_key: str = api_key
        self.station_key: str = station_key
        self.station_listings: set[str] = set(
            RESOURCES.keys() - _FORBIDDEN_TO_STATIONS if station_listings is None else station_listings
        )
        self.paging: Paging = paging
        self.pagings: dict[str, Paging] = dict(pagings or {})
        if unknown := (self.station_listings | self.pagings.keys()) - RESOURCES.keys():
            raise ValueError(f"there is no listing {min(unknown)!r}, only {', '.join(sorted(RESOURCES))}")
        self.organization: Organization = Organization(
            id="6f1d6f3a-52c4-4c59-9f0e-7f3f5a0c2d11", slug="sandbox", name="Sandbox"
        )
        self._selected: dict[tuple[Any, ...], tuple[Snapshot, Sequence[Any]]] = {}

    @staticmethod
    def knows(path: str) -> bool:
        """Return whether a path leads anywhere.

        Args:
            path: The path as it was sent. Upper and lower case and a trailing slash do not matter.
        """
        return _name_at(path) in {*RESOURCES, _WHOAMI}

    def response(self, path: str, query: Pairs, authorization: str | None) -> Response:
        """Answer one request.

        Args:
            path: The path as it was sent, such as ``/api/v2/runs``.
            query: The query parameters, decoded. Give pairs if names repeat.
            authorization: The header ``Authorization``; None: there was none.
        """
        try:
            return self.detail(path, authorization) or self.write(path, self.page(path, query, authorization))
        except Refusal as refusal:
            return refusal.response()

    def detail(self, path: str, authorization: str | None) -> Response | None:
        """Return the response to a request that does not list. None: the path leads to a listing, or nowhere.

        Args:
            path: As in `response`.
            authorization: As in `response`.

        Raises:
            Refusal: The key may not read this.
        """
        if _name_at(path) != _WHOAMI:
            return None
        if authorization == f"Bearer {self.station_key}":
            station = next(iter(self.factory.rows("stations")), None)
            ref = StationRef(station.id if station else "station", station.name if station else "Station")
            identity = Identity(type="station", station=ref, user=None, organization=self.organization)
        else:
            self._admit(_WHOAMI, authorization)
            user = next(iter(self.factory.rows("users")), None)
            email = (user and user.email) or "user@example.com"
            person = UserRef(user.id if user else "user", user.name if user else None, email)
            identity = Identity(type="user", station=None, user=person, organization=self.organization)
        return Response(200, dumps(document(identity)))

    def page(self, path: str, query: Pairs, authorization: str | None) -> Page[Any]:
        """Return the page that `response` writes.

        Args:
            path: As in `response`.
            query: As in `response`.
            authorization: As in `response`.

        Raises:
            Refusal: There is no page for this path, key or query.
        """
        resource = _find(path)
        if resource is None:
            raise not_found()
        self._admit(resource.name, authorization)
        query = query if isinstance(query, Query) else Query(query)
        asked, snapshot = read(resource.parameters, query), self.factory.snapshot()
        selected = self._select(resource, asked, query, snapshot)
        if not resource.paged:
            return Page(data=list(selected), meta=PageMeta(has_more=False))
        cursor = max(asked["cursor"], 0)  # the validator of parts allows negative ones
        window = self.pagings.get(resource.name, self.paging)(len(selected), cursor, asked["limit"])
        return Page(
            data=[resource.shown(item, asked, snapshot) for item in selected[window.start : window.stop]],
            meta=PageMeta(has_more=window.has_more, next_cursor=window.next_cursor),
            cursor=cursor,
        )

    def _select(self, resource: Resource[Any], asked: Values, query: Query, snapshot: Snapshot) -> Sequence[Any]:
        """Return the items that are asked for. They are remembered for the other pages, until something changes."""
        key = (resource.name, *sorted(pair for pair in query.pairs if pair[0] not in _OF_PAGES))
        known = self._selected.pop(key, None)
        if known is None or known[0] is not snapshot:
            known = snapshot, resource.select(asked, snapshot)
        self._selected[key] = known
        while len(self._selected) > _MOST_SELECTED:
            del self._selected[next(iter(self._selected))]
        return known[1]

    def write(self, path: str, page: Page[Any]) -> Response:
        """Write a page of a listing as JSON.

        Args:
            path: The path of the listing, as in `response`.
            page: The page.

        Raises:
            Refusal: There is no such listing.
        """
        resource = _find(path)
        if resource is None:
            raise not_found()
        items = map(resource.json, page.data)
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
    return RESOURCES.get(_name_at(path))


def _name_at(path: str) -> str:
    """Return what stands after the root of the API in a path. Empty: the path does not begin with the root."""
    root, name = path[: len(_ROOT)].lower(), path[len(_ROOT) :].removesuffix("/").lower()
    return name if root == _ROOT else ""
