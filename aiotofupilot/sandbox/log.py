"""What the sandbox was asked, and what it said."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import define, setters

from .request import Question

if TYPE_CHECKING:
    from collections.abc import Generator

    from .factory import Factory
    from .faults import Fault

__all__ = ["Request", "RequestLog"]


@define(kw_only=True, eq=False, repr=False, on_setattr=setters.NO_OP)
class Request(Question):
    """One request, and what became of it."""

    fault: Fault | None = None
    """What goes wrong with the answer; None: nothing."""
    factory: Factory | None = None
    """What is listed at the moment, for hooks that change it; None: nobody has been asked yet."""
    status: int | None = None
    """HTTP status code of what is sent, unless the client goes before; None: nothing is sent, or not decided yet."""

    is_as_it_should_be: bool = False
    """Whether the client can read what the API answers, because there is no fault or a harmless one."""

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
        in_flight: Requests whose answer has not yet been sent to its end.
        peak_in_flight: The most that there ever were of these.
    """

    def __init__(self) -> None:
        super().__init__()
        self.in_flight = 0
        self.peak_in_flight = 0

    @contextmanager
    def under_way(self, request: Request) -> Generator[None]:
        """Enter a request, which is in flight inside the block."""
        self.append(request)
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        try:
            yield
        finally:
            self.in_flight -= 1

    @property
    def cursors(self) -> list[str | None]:
        """The cursors asked for; None where a request had none."""
        return [request.query.get("cursor") for request in self]

    @property
    def statuses(self) -> Counter[int | None]:
        """How often each HTTP status code was sent; None counts the requests that got no answer."""
        return Counter(request.status for request in self)

    @property
    def faults(self) -> Counter[Fault]:
        """How often each fault was met."""
        return Counter(request.fault for request in self if request.fault)

    def __repr__(self) -> str:
        lines = "".join(f"\n  {request}" for request in self)
        return f"<{len(self)} requests{lines}>"
