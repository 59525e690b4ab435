"""The attempts that the user's own tenacity controller allows."""

from __future__ import annotations

from inspect import isawaitable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from aiotofupilot.errors import SessionError

from .attempts import Attempts
from .policy import RetryPolicy

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from tenacity import AsyncRetrying, RetryCallState

    from aiotofupilot.stats import RequestCounts

    from .retries import Retries

__all__ = ["ControllerAttempts"]

T = TypeVar("T")

_LONGEST_RETRY_AFTER = RetryPolicy().max_retry_after
"""Seconds. A controller does not say which Retry-After it obeys, so this is the one of a default policy."""


class ControllerAttempts(Attempts[T]):
    """The attempts that the user's own tenacity controller allows.

    The controller is not asked when the request is cancelled, or when the session is closed.
    """

    def __init__(self, retries: Retries, counts: RequestCounts, controller: AsyncRetrying) -> None:
        super().__init__(retries, counts, _LONGEST_RETRY_AFTER)
        callback = controller.retry_error_callback

        async def refuse(state: RetryCallState) -> None:
            answer: Any = cast("Any", callback)(state)
            if isawaitable(answer):
                answer = await answer
            raise TypeError(f"retry must not make up an answer: its retry_error_callback returned {answer!r}")

        # A controller holds the state of its iteration, so each request has a copy.
        copy = controller.copy() if callback is None else controller.copy(retry_error_callback=refuse)
        self._controller = aiter(copy)
        self._state: RetryCallState | None = None

    async def __anext__(self) -> Self:
        statistics = self._controller.statistics
        waited = statistics.get("idle_for", 0.0)  # there are no statistics if the controller is not enabled
        try:
            attempt = await anext(self._controller)
        except StopAsyncIteration:
            self._retries.budget.give_back(0)
            raise
        finally:
            self._counts.add(waited=statistics.get("idle_for", 0.0) - waited)
        if self._state is not None and self._state.outcome is not None:  # pragma: no cover - only before tenacity 9.2
            # Before 9.2, tenacity yields another attempt after a good answer.
            self._retries.budget.give_back(0)
            raise StopAsyncIteration
        self._state = attempt.retry_state
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        state = cast("RetryCallState", self._state)
        if error is None:
            state.set_result(self.answer)
            return False
        if not isinstance(error, Exception) or isinstance(error, SessionError):
            return False
        state.set_exception((type(error), error, traceback))
        self._failure = type(error).__qualname__
        return True
