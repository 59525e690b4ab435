"""The sandbox without its network. It decides the answer of each request, what goes wrong, and what changes meanwhile.

    service = Service(procedures=250)
    service.faults.randomly(rate=0.1, heal_after=2)
    service.before_response.append(BusyLine(inserts=0.5))
    with service.handle(Request(query={"cursor": "50"}, authorization=f"Bearer {service.api_key}")) as delivery:
        delivery.status, delivery.body, delivery.complete, delivery.seconds

Nothing here waits or opens a socket, so a property test can use its own clock, and its own connection to a client.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiotofupilot.models import Procedure

from .api import Api
from .data import make_procedures
from .delivery import Delivery
from .factory import Factory
from .log import Request, RequestLog
from .paging import Paging, offsets
from .schedule import Faults
from .wire import Refusal, not_found

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from typing import Unpack

    from aiotofupilot.models import Run

    from .factory import Items
    from .wire import Answer

__all__ = ["Hook", "Service"]

Hook = Callable[[list[Procedure], Request], None]
"""A function that is called around a response. It gets the list of procedures, which it may change, and the request.

The other listings are attributes of the request's factory: ``request.factory.runs``.
"""


class Service(Factory):
    """TofuPilot without its network: a factory that answers requests.

    Attributes:
        faults: What goes wrong. It is empty at first.
        requests: The requests, in the order of arrival.
        before_response: Called in order before each answer is made.
        after_response: Called in order when each answer has been sent, or its client has disconnected.
    """

    def __init__(
        self,
        procedures: int | Iterable[Procedure] = 250,
        *,
        runs: int | Iterable[Run] = 1000,
        seed: int = 0,
        nulls: bool = True,
        api_key: str = "sandbox-user-key",
        station_key: str = "sandbox-station-key",
        station_listings: Iterable[str] | None = None,
        paging: Paging = offsets,
        pagings: Mapping[str, Paging] | None = None,
        **items: Unpack[Items],
    ) -> None:
        """Describe a service.

        Args:
            procedures: How many procedures to make up, or the procedures themselves, in the listing's order.
            runs: How many runs to make up, with their units, phases, measurements, logs and so on; or the runs
                themselves, newest first. Without a procedure, no run is made up.
            seed: Another seed makes other data.
            nulls: Whether names and addresses of made-up people may be None, which some clients cannot read.
            api_key: Key of a user. It may list everything.
            station_key: Key of a station.
            station_listings: Names of the listings that the station's key may list; None: all but procedures and
                stations.
            paging: How listings are cut into pages.
            pagings: How single listings, by name, are cut into pages in another way; None: there are none.
            items: Items to list instead of made-up ones, by the name of the listing, in the listing's order.

        Raises:
            TypeError: There is no such listing, or an item is not of its model.
            ValueError: A number is negative, or there is no such listing.
        """
        if not isinstance(procedures, Iterable):
            if procedures < 0:
                raise ValueError(f"procedures must be at least 0, got {procedures}")
            procedures = make_procedures(procedures, seed=seed, nulls=nulls)
        super().__init__(procedures, runs=runs, seed=seed, nulls=nulls, **items)
        self._api = Api(
            self,
            api_key=api_key,
            station_key=station_key,
            station_listings=station_listings,
            paging=paging,
            pagings=pagings,
        )
        self._asked: Counter[tuple[str, str]] = Counter()
        """How often each question came. A question is a method and a target."""
        self._failed: Counter[tuple[str, str]] = Counter()
        """How often in a row each question did not get the right answer."""
        self.faults = Faults()
        self.requests = RequestLog()
        self.before_response: list[Hook] = []
        self.after_response: list[Hook] = []

    @property
    def api_key(self) -> str:
        """Key of a user. It may list everything."""
        return self._api.api_key

    @property
    def station_key(self) -> str:
        """Key of a station. It gets a 403 for listings that are not in `station_listings`."""
        return self._api.station_key

    @property
    def station_listings(self) -> set[str]:
        """Names of the listings that the station's key may list. You may change it at any time."""
        return self._api.station_listings

    @property
    def paging(self) -> Paging:
        """How listings are cut into pages. You may set it at any time."""
        return self._api.paging

    @paging.setter
    def paging(self, paging: Paging) -> None:
        self._api.paging = paging

    @property
    def pagings(self) -> dict[str, Paging]:
        """How single listings, by name, are cut into pages in another way. You may change it at any time."""
        return self._api.pagings

    @contextmanager
    def handle(self, request: Request) -> Generator[Delivery]:
        """Decide the answer of a request. Send it inside the block.

        Args:
            request: The request. What happens to it is noted in it.
        """
        question = (request.method, request.target)
        self._asked[question] += 1
        request.asked, request.attempt = self._asked[question], self._failed[question] + 1
        request.factory = self
        with self.requests.under_way(request):
            for hook in self.before_response:
                hook(self.procedures, request)
            answer = self._answer(request)
            delivery = self.faults.alter(answer, request)
            request.status = delivery.status
            request.is_as_it_should_be = delivery is answer or (request.fault is not None and request.fault.is_harmless)
            if request.is_as_it_should_be:
                del self._failed[question]
            else:
                self._failed[question] += 1
            try:
                yield delivery
            finally:
                for hook in self.after_response:
                    hook(self.procedures, request)

    def _answer(self, request: Request) -> Delivery:
        if request.method == "HEAD":  # the REST layer answers it, whatever the key is
            return Delivery.of(200 if self._api.knows(request.path) else 404, {}, b"")
        answer = self._answer_get(request) if request.method == "GET" else not_found().answer()
        return Delivery.of(answer.status, {"Content-Type": "application/json"}, answer.body)

    def _answer_get(self, request: Request) -> Answer:
        try:
            request.page = self._api.page(request.path, request.query, request.authorization)
        except Refusal as refusal:
            return refusal.answer()
        return self._api.write(request.path, request.page)
