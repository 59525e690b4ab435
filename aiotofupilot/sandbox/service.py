"""The sandbox without its network: what each request is answered, what goes wrong with it, and what changes meanwhile.

    service = Service(procedures=250)
    service.faults.randomly(rate=0.1, heal_after=2)
    service.before_response.append(BusyLine(inserts=0.5))
    with service.handle(Request(query={"cursor": "50"}, authorization=f"Bearer {service.api_key}")) as delivery:
        delivery.status, delivery.body, delivery.complete, delivery.seconds

Nothing here waits or opens a socket, so a property test can put its own clock and wire between this and a client.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiotofupilot.models import Procedure

from .data import make_procedures
from .delivery import Delivery
from .listing import Listing
from .log import Request, RequestLog
from .paging import Paging, offsets
from .schedule import Faults
from .wire import Refusal

if TYPE_CHECKING:
    from collections.abc import Generator

    from aiotofupilot.models import Page

__all__ = ["Hook", "Service"]

_PATH = "/api/v2/procedures"

Hook = Callable[[list[Procedure], Request], None]
"""What happens around a response: it gets the live list of procedures, to change at will, and the request."""


class Service:
    """TofuPilot without its network.

    Attributes:
        faults: What goes wrong; nothing, at first.
        requests: What was asked, in the order of arrival.
        before_response: Called in order before each answer is made.
        after_response: Called in order when each answer has been sent, or its client has gone.
    """

    def __init__(
        self,
        procedures: int | Iterable[Procedure] = 250,
        *,
        seed: int = 0,
        api_key: str = "sandbox-user-key",
        station_key: str = "sandbox-station-key",
        paging: Paging = offsets,
    ) -> None:
        """Describe a service.

        Args:
            procedures: How many procedures to make up, or the procedures themselves, in the listing's order.
            seed: What the made-up procedures depend on.
            api_key: Key of a user, who may read procedures.
            station_key: Key of a station, which may not.
            paging: How the listing is cut into pages.
        """
        if not isinstance(procedures, Iterable):
            procedures = make_procedures(procedures, seed=seed)
        self._listing = Listing(procedures, api_key=api_key, station_key=station_key, paging=paging)
        self._asked: Counter[str] = Counter()
        self.faults = Faults()
        self.requests = RequestLog()
        self.before_response: list[Hook] = []
        self.after_response: list[Hook] = []

    @property
    def procedures(self) -> list[Procedure]:
        """What is listed, in the listing's order: a live list, to add to and remove from at any time."""
        return self._listing.procedures

    @property
    def api_key(self) -> str:
        """Key of a user, who may read procedures."""
        return self._listing.api_key

    @property
    def station_key(self) -> str:
        """Key of a station, which gets a 403."""
        return self._listing.station_key

    @property
    def paging(self) -> Paging:
        """How the listing is cut into pages; may be set at any time."""
        return self._listing.paging

    @paging.setter
    def paging(self, paging: Paging) -> None:
        self._listing.paging = paging

    @contextmanager
    def handle(self, request: Request) -> Generator[Delivery]:
        """Decide what a request gets; the block is for sending it."""
        self._asked[request.target] += 1
        request.attempt = self._asked[request.target]
        with self.requests.under_way(request):
            for hook in self.before_response:
                hook(self.procedures, request)
            delivery = self.faults.alter(self._answer(request), request)
            request.status = delivery.status
            try:
                yield delivery
            finally:
                for hook in self.after_response:
                    hook(self.procedures, request)

    def _page(self, request: Request) -> Page[Procedure]:
        if request.method != "GET" or not _is_known(request.path):
            raise Refusal(404, "NOT_FOUND", "Not found")
        return self._listing.page(request.query, request.authorization)

    def _answer(self, request: Request) -> Delivery:
        if request.method == "HEAD":  # the REST layer answers it itself, whatever the key
            return Delivery.of(200 if _is_known(request.path) else 404, {}, b"")
        try:
            request.page = self._page(request)
            answer = self._listing.write(request.page)
        except Refusal as refusal:
            answer = refusal.answer()
        return Delivery.of(answer.status, {"Content-Type": "application/json"}, answer.body)


def _is_known(path: str) -> bool:
    """Say whether a path leads to a listing. Case and a trailing slash make no difference, percent-encoding does."""
    return path.removesuffix("/").lower() == _PATH
