"""TofuPilot's listing of procedures as a function: a request's query and key in, status and JSON out.

Nothing here waits, opens a socket or knows HTTP beyond a status code, so that a property test can call it thousands of
times.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from aiotofupilot.models import Page, PageMeta

from .paging import Paging, offsets
from .parameters import Asked, Moment, Text, pages, read
from .request import Query
from .wire import Answer, Refusal, procedure_json, write_page

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aiotofupilot.models import Procedure

    from .request import Pairs

__all__ = ["Listing"]

_SHORTEST_ID_QUERY = 6
_MILLISECOND = timedelta(milliseconds=1)
_PARAMETERS = (
    *pages(safe=False),
    Text("search_query", maximum=100),
    Moment("created_after"),
    Moment("created_before"),
)


class Listing:
    """A server's procedures, and its answers to requests for them.

    Attributes:
        procedures: What is listed, in the listing's order. Add, remove and replace at any time; the next answer knows.
        api_key: Key of a user, who may read procedures.
        station_key: Key of a station, which may not.
        paging: How the listing is cut into pages.
    """

    def __init__(
        self,
        procedures: Iterable[Procedure],
        *,
        api_key: str,
        station_key: str,
        paging: Paging = offsets,
    ) -> None:
        self.procedures = list(procedures)
        self.api_key = api_key
        self.station_key = station_key
        self.paging = paging
        # A page of known procedures costs a quarter of a new one. By value, so that a changed one is written anew.
        self._json = lru_cache(maxsize=100_000)(procedure_json)

    def answer(self, query: Pairs, authorization: str | None) -> Answer:
        """Answer one request.

        Args:
            query: The query parameters, decoded; pairs where names repeat.
            authorization: The header of that name; None: there was none.
        """
        try:
            return self.write(self.page(query, authorization))
        except Refusal as refusal:
            return refusal.answer()

    def page(self, query: Pairs, authorization: str | None) -> Page[Procedure]:
        """Give the page that `answer` writes.

        Raises:
            Refusal: If there is none for this key or query.
        """
        if authorization == f"Bearer {self.station_key}":
            raise Refusal(403, "FORBIDDEN", "Stations cannot read procedures")
        if authorization != f"Bearer {self.api_key}":
            raise Refusal(401, "UNAUTHORIZED", "Unauthorized")
        asked = read(_PARAMETERS, Query(query))
        matches = _select(tuple(self.procedures), asked)  # as they are now: other threads may change them
        window = self.paging(len(matches), asked["cursor"], asked["limit"])
        return Page(
            data=list(matches[window.start : window.stop]),
            meta=PageMeta(has_more=window.has_more, next_cursor=window.next_cursor),
            cursor=asked["cursor"],
        )

    def write(self, page: Page[Procedure]) -> Answer:
        """Write a page as JSON."""
        return write_page(map(self._json, page.data), page.meta)


def _select(procedures: Sequence[Procedure], asked: Asked) -> Sequence[Procedure]:
    """Keep what a request asks for: the name or, from 6 characters on, the id contains the query; bounds included."""
    if needle := asked.get("search_query", "").lower():
        by_id = len(asked["search_query"]) >= _SHORTEST_ID_QUERY
        procedures = [
            procedure
            for procedure in procedures
            if needle in procedure.name.lower() or (by_id and needle in procedure.id.lower())
        ]
    if after := asked.get("created_after"):
        procedures = [procedure for procedure in procedures if procedure.created_at >= after]
    if before := asked.get("created_before"):
        # The whole millisecond counts: a client can't name a moment more exactly than the wire shows it.
        procedures = [procedure for procedure in procedures if procedure.created_at - before < _MILLISECOND]
    return procedures
