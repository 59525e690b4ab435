"""TofuPilot's listing of procedures as a function. It takes a query and a key, and returns a status and JSON."""

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
    """A server's procedures, and its answers to requests for them. `Api` has every listing."""

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
            procedures: The procedures, in the listing's order.
            api_key: Key of a user. It may list procedures.
            station_key: Key of a station. It may not list procedures.
            paging: How the listing is cut into pages.
        """
        self._api = Api(Factory(procedures), api_key=api_key, station_key=station_key, paging=paging)

    @property
    def procedures(self) -> list[Procedure]:
        """The procedures, in the listing's order. You may change the list at any time."""
        return self._api.factory.procedures

    @property
    def api_key(self) -> str:
        """Key of a user. It may list procedures."""
        return self._api.api_key

    @property
    def station_key(self) -> str:
        """Key of a station. It may not list procedures."""
        return self._api.station_key

    @property
    def paging(self) -> Paging:
        """How the listing is cut into pages. It may be set at any time."""
        return self._api.paging

    @paging.setter
    def paging(self, paging: Paging) -> None:
        self._api.paging = paging

    def answer(self, query: Pairs, authorization: str | None) -> Answer:
        """Answer one request.

        Args:
            query: The query parameters, decoded. Give pairs if names repeat.
            authorization: The header ``Authorization``; None: there was none.
        """
        return self._api.answer(_PATH, query, authorization)

    def page(self, query: Pairs, authorization: str | None) -> Page[Procedure]:
        """Return the page that `answer` writes.

        Args:
            query: As in `answer`.
            authorization: As in `answer`.

        Raises:
            Refusal: There is no page for this key or query.
        """
        return self._api.page(_PATH, query, authorization)

    def write(self, page: Page[Procedure]) -> Answer:
        """Write a page as JSON.

        Args:
            page: A page of procedures.
        """
        return self._api.write(_PATH, page)
