"""A restart that drains: the server finishes what it had accepted, and refuses what comes meanwhile."""

import asyncio
import math

from aiotofupilot import ConnectionFailedError, RetryPolicy, ServerError

from .transport import Transport

REFUSALS = {
    "502": lambda: ServerError("bad gateway", status=502),
    "503": lambda: ServerError("unavailable", status=503),
    "reset": lambda: ConnectionFailedError("reset"),
    "refused": lambda: ConnectionFailedError("refused"),
}
"""What makes the error of a request to a server that is down."""


class Restart(Transport):
    """A server that is down between two points in time, and the pages that a session requests of it."""

    def __init__(self, clock, random, *, down, kind="503", accepts=30, drains=None, takes=0.3, refuses=0.05):
        super().__init__(clock)
        self.random, self.down, self.kind = random, down, kind
        self.accepts = accepts
        """How many of the requests in flight it finishes. The others fail when it goes down."""
        self.drains = down[1] - down[0] if drains is None else drains
        """How many seconds it takes to finish the last of them."""
        self.takes, self.refuses = takes, refuses
        self.caught = 0
        """How many requests were in flight when it went down."""
        self.refused = []
        """When the requests began that came while it was down."""
        self.goes_on_at = math.inf
        self.waits = 0
        """How many waits the session has drawn since it went down."""
        clock.uniform = self._wait

    def refusal(self):
        return REFUSALS[self.kind]()

    async def get(self, url, max_body):
        began, (goes, comes) = self.clock.seconds, self.down
        if goes <= began < comes:
            self.refused.append(began)
            await self.clock.sleep(self.refuses)
            raise self.refusal()
        if began >= comes:
            self.goes_on_at = min(self.goes_on_at, began)
        ends = began + self.takes * self.random.uniform(0.5, 1.5)
        if began < goes <= ends:
            self.caught += 1
            is_finished = self.caught <= self.accepts
            ends = goes + (self.random.uniform(0.0, self.drains) if is_finished else self.refuses)
            await self.clock.sleep(ends - began)
            if not is_finished:
                raise self.refusal()
        else:
            await self.clock.sleep(ends - began)
        return self.response()

    async def walk(self, concurrency, policy=RetryPolicy()):  # noqa: B008 - a value
        """Request pages until a while after the restart, several at once."""

        async def read():
            while self.clock.seconds < self.down[1] + 3 * self.takes:
                await self.ask(retry=policy)

        await asyncio.gather(*(read() for _ in range(concurrency)))

    def _wait(self, low, high):
        self.waits += self.clock.seconds >= self.down[0]
        return self.random.uniform(low, high)
