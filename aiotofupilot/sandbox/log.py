"""The log of requests and of what happened to them."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import define, setters

from .request import Question

if TYPE_CHECKING:
    from collections.abc import Generator

    from .faults import Fault

__all__ = ["Request", "RequestLog"]


@define(kw_only=True, eq=False, repr=False, on_setattr=setters.NO_OP)
class Request(Question):
    """One request, and what happened to it."""

    fault: Fault | None = None
    """What goes wrong with the answer; None: nothing goes wrong."""
    status: int | None = None
    """HTTP status code of the answer that was sent; None: nothing was sent, the client disconnected before it had all
    of the answer, or the answer is not decided yet."""

    is_as_it_should_be: bool = False
    """Whether the client can read the right answer, because there is no fault or only a harmless one."""

    def __str__(self) -> str:
        told = [f"{self.method} {self.target}: {self.status or 'no answer'}"]
        if self.attempt > 1:
            told.append(f"attempt {self.attempt}")
        if self.page and (self.is_as_it_should_be or not self.fault):
            told.append(_counted(len(self.page.data), self.path.removesuffix("/").rpartition("/")[2].lower()))
        if self.fault:
            told.append(repr(self.fault))
        return ", ".join(told)

    def __repr__(self) -> str:
        return f"<{self}>"


def _counted(items: int, listing: str) -> str:
    """Return a number of items, such as ``1 batch`` or ``3 runs``."""
    singular = "batch" if listing == "batches" else listing.removesuffix("s")
    return f"{items} {singular if items == 1 else listing}"


class RequestLog(list[Request]):
    """Requests in the order of their arrival.

    Attributes:
        in_flight: How many requests have answers that are not completely sent.
        peak_in_flight: The most requests that were in flight at any time.
    """

    def __init__(self) -> None:
        super().__init__()
        self.in_flight: int = 0
        self.peak_in_flight: int = 0

    @contextmanager
    def under_way(self, request: Request) -> Generator[None]:
        """Add a request to the log. It is in flight inside the block.

        Args:
            request: The request that has arrived.
        """
        self.append(request)
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        try:
            yield
        finally:
            self.in_flight -= 1

    @property
    def cursors(self) -> list[str | None]:
        """The cursors that were asked for; None for a request without a cursor."""
        return [request.query.get("cursor") for request in self]

    @property
    def statuses(self) -> Counter[int | None]:
        """How often each HTTP status code was sent. The key None counts the requests without an answer."""
        return Counter(request.status for request in self)

    @property
    def faults(self) -> Counter[Fault]:
        """How often each fault happened."""
        return Counter(request.fault for request in self if request.fault)

    def __repr__(self) -> str:
        lines = "".join(f"\n  {request}" for request in self)
        return f"<{len(self)} requests{lines}>"
