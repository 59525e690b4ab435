"""TofuPilot's API as a function. It takes a path, a query and a key, and returns a status and JSON.

Nothing here waits or opens a socket, so a property test can call it thousands of times.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from aiotofupilot.models import Organization, Page, PageMeta

from .detail import Reading
from .paging import Paging, offsets
from .parameters import Values, read
from .request import Pairs, Query
from .resources import RESOURCES
from .storage import Storage
from .wire import Refusal, Response, not_found, write_array, write_item, write_page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .detail import Detail
    from .factory import Factory
    from .resource import Resource
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
        self._selected = lru_cache(maxsize=16)(_selected)
        """It remembers the selected items for the other pages, until something changes."""

    @staticmethod
    def knows(path: str) -> bool:
        """Return whether a path leads anywhere.

        Args:
            path: The path as it was sent. Upper and lower case and a trailing slash do not matter.
        """
        return _below_root(path).lower() in RESOURCES or _find_detail(path) is not None

    def response(self, path: str, query: Pairs, authorization: str | None) -> Response:
        """Answer one request.

        Args:
            path: The path as it was sent, such as ``/api/v2/runs``. Percent-encoded characters stay encoded.
            query: The query parameters, decoded. Give pairs if names repeat.
            authorization: The header ``Authorization``; None: there was none.
        """
        try:
            return self.write(path, self.detail(path, authorization) or self.page(path, query, authorization))
        except Refusal as refusal:
            return refusal.response()

    def detail(self, path: str, authorization: str | None) -> Any | None:  # noqa: ANN401 - of any model
        """Return what the API returns by itself at a path. None: the path leads to a listing, or nowhere.

        Args:
            path: As in `response`.
            authorization: As in `response`.

        Raises:
            Refusal: There is no such thing, or the key may not read it.
        """
        found = _find_detail(path)
        if found is None:
            return None
        is_station = self._is_station(authorization)
        reading = Reading(self.factory.snapshot(), self.organization, self.storage, is_station)
        kind, parameters = found
        if (detail := kind.read(reading, parameters)) is None:
            raise not_found()
        return detail

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
        if self._is_station(authorization) and resource.name not in self.station_listings:
            raise Refusal(403, "FORBIDDEN", f"Stations cannot read {resource.name}")
        pairs, snapshot = Query(query).pairs, self.factory.snapshot()
        asked = _asked(resource, pairs)
        selected = self._selected(resource, tuple(sorted(pair for pair in pairs if pair[0] not in _OF_PAGES)), snapshot)
        if not resource.paged:
            return Page(data=list(selected), meta=PageMeta(has_more=False))
        cursor = max(asked["cursor"], 0)  # the validator of parts allows negative ones
        window = self.pagings.get(resource.name, self.paging)(len(selected), cursor, asked["limit"])
        return Page(
            data=[resource.shown(item, asked, snapshot) for item in selected[window.start : window.stop]],
            meta=PageMeta(has_more=window.has_more, next_cursor=window.next_cursor),
            cursor=cursor,
        )

    def write(self, path: str, answer: Any) -> Response:  # noqa: ANN401 - a page, or a detail of any model
        """Write a page of a listing or a detail as JSON.

        Args:
            path: The path, as in `response`.
            answer: The page or the detail.

        Raises:
            Refusal: Nothing is at the path.
        """
        if found := _find_detail(path):
            return Response(200, write_item(answer, found[0].hides))
        resource = _find(path)
        items = map(resource.json, answer.data)
        return write_page(items, answer.meta) if resource.paged else write_array(items)

    def _is_station(self, authorization: str | None) -> bool:
        """Return whether a key is the station's and not the user's. Another key is refused."""
        is_station = authorization == f"Bearer {self.station_key}"
        if not is_station and authorization != f"Bearer {self.api_key}":
            raise Refusal(401, "UNAUTHORIZED", "Unauthorized")
        return is_station


@lru_cache(maxsize=256)
def _asked(resource: Resource[Any], pairs: tuple[tuple[str, str], ...]) -> Values:
    """Read the query of a request. The same query gets the same object again, so do not change it."""
    return read(resource.parameters, Query(pairs))


def _selected(resource: Resource[Any], pairs: tuple[tuple[str, str], ...], snapshot: Snapshot) -> Sequence[Any]:
    """Return the items that are asked for."""
    return resource.select(_asked(resource, pairs), snapshot)


def _find(path: str) -> Resource[Any]:
    """Find the listing at a path. A path that leads to none is refused."""
    if (name := _below_root(path).lower()) not in RESOURCES:
        raise not_found()
    return RESOURCES[name]


@lru_cache(maxsize=256)
def _find_detail(path: str) -> tuple[Detail, tuple[str, ...]] | None:
    """Find the detail at a path, and the parameters in the path."""
    below = _below_root(path)
    kinds = (kind for resource in RESOURCES.values() for kind in resource.details)
    found = ((kind, parameters) for kind in kinds if (parameters := kind.parameters(below)) is not None)
    return next(found, None)


def _below_root(path: str) -> str:
    """Return what stands after the root of the API in a path. Empty: the path does not begin with the root."""
    return path[len(_ROOT) :].removesuffix("/") if path[: len(_ROOT)].lower() == _ROOT else ""
