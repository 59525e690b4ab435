"""TofuPilot's listing of procedures as a function: a request's query and key in, status and JSON out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .api import Api
from .factory import Factory
from .paging import Paging, offsets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiotofupilot.models import Page, Procedure

    from .request import Pairs
    from .wire import Answer

__all__ = ["Listing"]

_PATH = "/api/v2/procedures"


class Listing:
    """A server's procedures, and its answers to requests for them. `Api` answers for every listing."""

    def __init__(
        self,
        procedures: Iterable[Procedure],
        *,
        api_key: str,
        station_key: str,
        paging: Paging = offsets,
    ) -> None:
        """Describe a listing.

        Args:
            procedures: What is listed, in the listing's order.
            api_key: Key of a user, who may read procedures.
            station_key: Key of a station, which may not.
            paging: How the listing is cut into pages.
        """
        self._api = Api(Factory(procedures), api_key=api_key, station_key=station_key, paging=paging)

    @property
    def procedures(self) -> list[Procedure]:
        """What is listed, in the listing's order. Add, remove and replace at any time; the next answer knows."""
        return self._api.factory.procedures

    @property
    def api_key(self) -> str:
        """Key of a user, who may read procedures."""
        return self._api.api_key

    @property
    def station_key(self) -> str:
        """Key of a station, which may not."""
        return self._api.station_key

    @property
    def paging(self) -> Paging:
        """How the listing is cut into pages; may be set at any time."""
        return self._api.paging

    @paging.setter
    def paging(self, paging: Paging) -> None:
        self._api.paging = paging

    def answer(self, query: Pairs, authorization: str | None) -> Answer:
        """Answer one request.

        Args:
            query: The query parameters, decoded; pairs where names repeat.
            authorization: The header of that name; None: there was none.
        """
        return self._api.answer(_PATH, query, authorization)

    def page(self, query: Pairs, authorization: str | None) -> Page[Procedure]:
        """Give the page that `answer` writes.

        Raises:
            Refusal: If there is none for this key or query.
        """
        return self._api.page(_PATH, query, authorization)

    def write(self, page: Page[Procedure]) -> Answer:
        """Write a page as JSON."""
        return self._api.write(_PATH, page)
