"""The base class of the attempts at one request."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

from aiotofupilot._otel import walks

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from aiotofupilot.stats import RequestCounts

    from .retries import Retries

__all__ = ["Attempts"]

T = TypeVar("T")


class Attempts(ABC, Generic[T]):
    """An asynchronous iterator over the attempts at one request. Each attempt is a context.

    The iteration waits before another attempt. It ends when there is an answer. It raises the error when there is no
    other attempt:

        async for attempt in attempts:
            with attempt:
                attempt.begin()
                attempt.answer = await ...
    """

    answer: T
    """The value of the answer. It is set within an attempt."""
    until: float | None = None
    """From this moment by the monotonic clock on, no attempt may begin; None: there is no such moment."""

    def __init__(self, retries: Retries, counts: RequestCounts, max_retry_after: float) -> None:
        self.max_retry_after = max_retry_after
        """The longest Retry-After that is obeyed, in seconds."""
        self.made = 0
        """How many attempts have begun."""
        self._retries = retries
        self._counts = counts
        self._began = self._attempt_began = 0.0
        self._failure = ""
        """The type of the error that ended the last attempt."""

    def begin(self) -> None:
        """Count an attempt. Call it when the request is about to be sent."""
        if self.made:
            walks.retried(self.made + 1, self._failure)
            self._attempt_began = self._retries.clock.monotonic()
        else:
            self._began = self._attempt_began = self._retries.clock.monotonic()
        self._counts.add(requests=1, retries=1 if self.made else 0)
        self.made += 1

    def take_back(self) -> None:
        """Do not count the last attempt after all, because the request could not be sent."""
        self.made -= 1
        self._counts.add(requests=-1, retries=-1 if self.made else 0)

    def __aiter__(self) -> Self:
        return self

    @abstractmethod
    async def __anext__(self) -> Self:
        """Wait as long as needed, and return the next attempt."""

    def __enter__(self) -> None:
        pass

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        """Take the error if another attempt may follow, and return whether it was taken."""
