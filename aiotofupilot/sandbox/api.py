"""TofuPilot's API as a function. It takes a path, a query and a key, and returns a status and JSON.

Nothing here waits or opens a socket, so a property test can call it thousands of times.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from aiotofupilot.models import Organization, Page, PageMeta

from .detail import Detail, Reading
from .paging import Paging, offsets
from .parameters import read
from .request import Pairs, Query, Request
from .resource import Resource
from .resources import RESOURCES
from .storage import Storage
from .wire import Refusal, Response, not_found, write_item, write_page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .factory import Factory
    from .world import Snapshot

_ROOT = "/api/v2/"
_OF_PAGES = frozenset({"limit", "cursor", "include_metadata", "include_sequences"})
"""Parameters that do not select items."""
_FORBIDDEN_TO_STATIONS = frozenset({"stations"})
"""Tests of the official SDK: https://github.com/tofupilot/python/tree/main/tests/v2"""


class Api:
    """Answers requests for the listings of a factory, and for what the API returns by itself.

    Attributes:
        factory: The items of all listings.
        api_key: Key of a user. It may read everything, except the current station.
        station_key: Key of a station. It gets a 403 for the current user, and for listings that are not in
            `station_listings`.
        station_listings: Names of the listings that the station's key may list. You may change it at any time. If None
            is given, these are all but stations, as in the tests of the official SDK.
        paging: How listings are cut into pages. You may set it at any time.
        pagings: How single listings, by name, are cut into pages in another way. You may change it at any time. If None
            is given, there are none.
        organization: The organization that both keys belong to. You may set it at any time.
        storage: The storage of attachments.
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
        self.storage: Storage = Storage()
        self._select = lru_cache(maxsize=16)(Resource[Any].select)
        """It remembers the selected items for the other pages, until something changes."""

    def response(self, path: str, query: Pairs, authorization: str | None) -> Response:
        """Answer one request.

        Args:
            path: The path as it was sent, such as ``/api/v2/runs``. Percent-encoded characters stay encoded.
            query: The query parameters, decoded. Give pairs if names repeat.
            authorization: The header ``Authorization``; None: there was none.
        """
        return self._answer(Request(path=path, query=query, authorization=authorization))

    def _answer(self, request: Request) -> Response:
        """Answer a request, and note in it the page or the detail of the response."""
        if request.method == "HEAD":  # the REST layer answers it, whatever the key is
            return Response(404 if _route(request.path)[0] is None else 200, b"")
        try:
            return Response(200, self._body(request))
        except Refusal as refusal:
            return refusal.response()

    def _body(self, request: Request) -> bytes:
        found, parameters = _route(request.path)
        if found is None or request.method != "GET":
            raise not_found()
        is_station = request.authorization == f"Bearer {self.station_key}"
        if not is_station and request.authorization != f"Bearer {self.api_key}":
            raise Refusal(401, "UNAUTHORIZED", "Unauthorized")
        snapshot = self.factory.snapshot()
        if isinstance(found, Detail):
            request.detail = found.read(Reading(snapshot, self.organization, self.storage, is_station), parameters)
            return write_item(request.detail, found.hides)
        if is_station and found.name not in self.station_listings:
            raise Refusal(403, "FORBIDDEN", f"Stations cannot read {found.name}")
        request.page = page = self._page(found, request.query, snapshot)
        return write_page(map(found.json, page.data), page.meta if found.paged else None)

    def _page(self, resource: Resource[Any], query: Query, snapshot: Snapshot) -> Page[Any]:
        """Return the page of a listing that a query asks for, or refuse the query."""
        asked = read(resource.readers, query)
        pairs = tuple(pair for pair in query.pairs if pair[0] not in _OF_PAGES)
        selected = self._select(resource, pairs, snapshot)
        if not resource.paged:
            return Page(data=list(selected), meta=PageMeta(has_more=False))
        cursor = max(asked["cursor"], 0)  # the validator of parts allows negative ones
        window = self.pagings.get(resource.name, self.paging)(len(selected), cursor, asked["limit"])
        return Page(
            data=[resource.shown(item, asked, snapshot) for item in selected[window.start : window.stop]],
            meta=PageMeta(has_more=window.has_more, next_cursor=window.next_cursor),
            cursor=cursor,
        )


@lru_cache(maxsize=256)
def _route(path: str) -> tuple[Resource[Any] | Detail | None, tuple[str, ...]]:
    """Return the listing or the detail at a path, and the parameters in the path; None: it leads nowhere.

    Upper and lower case do not matter, except in parameters, and neither does a slash at the end.
    """
    below = path[len(_ROOT) :].removesuffix("/") if path[: len(_ROOT)].lower() == _ROOT else ""
    if resource := RESOURCES.get(below.lower()):
        return resource, ()
    for detail in (detail for resource in RESOURCES.values() for detail in resource.details):
        if match := re.fullmatch(detail.path.replace("*", "([^/]+)"), below, re.IGNORECASE):
            return detail, match.groups()
    return None, ()
