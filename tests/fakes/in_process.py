"""A listing in this process: the sandbox's answers, with no socket and no clock, in whatever order a test wants."""

import asyncio
import re
from datetime import UTC, datetime
from functools import cache
from urllib.parse import parse_qsl

from aiotofupilot._http.policy import is_transient
from aiotofupilot._wire.response import Response
from aiotofupilot.errors import ConnectionFailedError
from aiotofupilot.listings import Procedures
from aiotofupilot.sandbox import Request, Sandbox

NOW = datetime(2026, 2, 2, tzinfo=UTC)
"""A little later than what a sandbox makes was created."""

pairs_of = cache(parse_qsl)
"""It returns the pairs of a query. Tests ask for the same pages again and again."""


class Stopped:
    """A clock that stands still."""

    def monotonic(self):
        return 0.0

    def now(self):
        return NOW


class InProcess:
    """How a listing reaches a `Sandbox`: each answer comes some turns of the event loop after its request.

    What fails is tried again for as long as it is transient, up to `attempts` times.
    """

    concurrency = 1
    requests_at_most = 20_000
    """No test needs so many."""

    def __init__(self, service: Sandbox, *, turns=lambda: 1, attempts: int = 10) -> None:
        self.service = service
        self.in_flight = self.most_in_flight = 0
        self.cursors: list[int] = []
        self.served: set[str] = set()
        self.clock = Stopped()
        self.paused: list[float] = []
        """Seconds of each pause, none of which takes any time."""
        self._turns = turns
        self._attempts = attempts

    @property
    def procedures(self) -> Procedures:
        return Procedures(self)

    async def pause(self, seconds, *, after=None):
        assert after is None
        self.paused.append(seconds)
        await asyncio.sleep(0)

    async def get(self, target, read, counts, *, once=False, **_):
        cursor = re.search(r"[?&]cursor=(\d+)", target)
        self.cursors.append(int(cursor[1]) if cursor else 0)
        assert len(self.cursors) < self.requests_at_most, "the walk does not end"
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            attempts = 1 if once else self._attempts
            for attempt in range(1, attempts + 1):
                counts.add(requests=1, retries=int(attempt > 1))
                try:
                    return read(await self._respond(target))
                except Exception as error:
                    if attempt == attempts or not is_transient(error):
                        error.attempts = attempt
                        raise
        finally:
            self.in_flight -= 1

    async def _respond(self, target) -> Response:
        for _ in range(self._turns()):
            await asyncio.sleep(0)
        path, _, query = target.partition("?")
        request = Request(path=f"/api{path}", query=pairs_of(query), authorization=f"Bearer {self.service.api_key}")
        with self.service.handle(request) as delivery:
            if delivery.status is None or not delivery.complete:
                raise ConnectionFailedError("cut off")
            return Response(delivery.status, delivery.headers, delivery.body, NOW)
