"""The attempts at one request. tenacity carries out what a policy decides, and what a controller of the user's says."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from aiotofupilot._arguments import named
from aiotofupilot._otel import walks
from aiotofupilot.errors import ConfigurationError, SessionError, TofuPilotError

from .budget import RetryBudget
from .gate import MissedTurnError
from .policy import RetryPolicy
from .records import log_retry

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self, TypeAlias

    from tenacity import AsyncRetrying, RetryCallState

    from aiotofupilot.clock import Clock
    from aiotofupilot.stats import RequestCounts

    from .gate import Gate

    Retry: TypeAlias = RetryPolicy | AsyncRetrying | None

__all__ = ["Attempts", "Retries", "checked_retry"]

T = TypeVar("T")

_ONCE = RetryPolicy(attempts=1)


def checked_retry(retry: object) -> Retry:
    """Return what was given as ``retry=``: a policy, a tenacity controller, or None for no retries."""
    if retry is None or isinstance(retry, RetryPolicy):
        return retry
    tenacity = sys.modules.get("tenacity")  # a program that has a controller has imported it
    if tenacity is not None and isinstance(retry, tenacity.AsyncRetrying):
        return cast("AsyncRetrying", retry)
    raise named(TypeError(f"retry must be a RetryPolicy, a tenacity.AsyncRetrying or None, got {retry!r}"), "retry")


class Retries:
    """Makes the attempts of a session's requests, and keeps the budget that they share.

    Args:
        clock: Measures, waits and draws.
        gate: Knows how long a pause lasts.
    """

    def __init__(self, clock: Clock, gate: Gate) -> None:
        self.clock = clock
        self.gate = gate
        self.budget = RetryBudget()

    def attempts(self, target: str, retry: Retry, counts: RequestCounts) -> Attempts[Any]:
        """Return the attempts at one request.

        Args:
            target: Path and query of the request.
            retry: Which failures deserve another attempt, and when. A controller of the user's own decides alone: the
                budget does not stop it.
            counts: Where requests, retries and waits are counted.
        """
        if retry is None:
            retry = _ONCE
        if isinstance(retry, RetryPolicy):
            return _AttemptsByPolicy(self, target, counts, retry)
        return _AttemptsByController(self, counts, retry)


class Attempts(ABC, Generic[T]):
    """An asynchronous iterator over the attempts at one request, each of which is a context.

    The iteration waits before it gives another attempt. It ends when there is an answer, and raises the error when
    there is to be no other attempt:

        async for attempt in attempts:
            with attempt:
                attempt.begin()
                attempt.answer = await ...
    """

    answer: T
    """Set within an attempt."""
    until: float | None = None
    """The moment by the monotonic clock from which on no attempt may begin; None: there is none."""

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
        """Count an attempt. It is called when nothing keeps the request from being sent any more."""
        if self.made:
            walks.retried(self.made + 1, self._failure)
            self._attempt_began = self._retries.clock.monotonic()
        else:
            self._began = self._attempt_began = self._retries.clock.monotonic()
        self._counts.add(requests=1, retries=1 if self.made else 0)
        self.made += 1

    def take_back(self) -> None:
        """Do not count the last attempt, because the request could not be sent at all."""
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
        """Take an error that another attempt may get over, and return whether it was taken."""


class _AttemptsByPolicy(Attempts[T]):
    """The attempts that a `RetryPolicy` allows.

    A request that succeeds at once does without tenacity, which would add to the cost of each page.
    """

    def __init__(self, retries: Retries, target: str, counts: RequestCounts, policy: RetryPolicy) -> None:
        super().__init__(retries, counts, policy.max_retry_after)
        self._target = target
        self._policy = policy
        self._is_answered = False
        self._error: TofuPilotError | None = None
        """How the last attempt ended, where it is worth another."""
        self._wait = 0.0
        """Seconds that the policy waits before the next attempt."""
        self._took = 0.0
        """Seconds that the last attempt took."""
        self._taken = 0
        """Tokens taken from the budget."""
        self._missed_turn = False
        self._controller: AsyncRetrying | None = None
        self._state: RetryCallState | None = None

    async def __anext__(self) -> Self:
        if self._error is None:
            if self._is_answered:
                self._retries.budget.give_back(self._taken)
                raise StopAsyncIteration
            return self
        try:
            await self._wait_for_next(self._error)
        except BaseException:
            self._error = None  # its traceback knows a frame that knows this object
            raise
        self.until = self._began + self._policy.max_elapsed
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if error is None:
            self._is_answered, self._error = True, None
            return False
        if isinstance(error, MissedTurnError):
            self._missed_turn = True
            return True
        if not isinstance(error, TofuPilotError) or isinstance(error, SessionError | ConfigurationError):
            return False
        wait = self._policy.next_wait(error, self.made, self._retries.clock.uniform)
        if wait is None:
            return False
        self._error, self._wait, self._failure = error, wait, type(error).__qualname__
        self._took = self._retries.clock.monotonic() - self._attempt_began
        return True

    async def _wait_for_next(self, error: TofuPilotError) -> None:
        """Let tenacity wait for the next attempt, or raise the error because there is to be none."""
        if self._missed_turn:  # so the attempt that the last token was for was not made
            self._retries.budget.put_back()
            raise error
        if self._controller is None or self._state is None:
            # tenacity learns of the first attempt when it has failed.
            self._controller = aiter(self._make_controller())
            self._state = (await anext(self._controller)).retry_state
        self._state.set_exception((type(error), error, error.__traceback__))
        await anext(self._controller)

    def _make_controller(self) -> AsyncRetrying:
        from tenacity import AsyncRetrying, retry_if_exception_type  # noqa: PLC0415 - a tenth of the package's import

        clock, gate = self._retries.clock, self._retries.gate

        def stop(_: RetryCallState) -> bool:  # called once after each attempt that failed, so it may take a token
            next_at = clock.monotonic() + max(self._wait, gate.rest(self.max_retry_after))
            return next_at - self._began >= self._policy.max_elapsed or not self._take_token()

        async def sleep(seconds: float) -> None:
            self._counts.add(waited=seconds)
            await clock.sleep(seconds)

        return AsyncRetrying(
            retry=retry_if_exception_type(TofuPilotError),  # the policy has decided before
            wait=lambda _: self._wait,
            stop=stop,
            sleep=sleep,
            before_sleep=lambda _: log_retry(
                self._target, attempt=self.made, took=self._took, wait=self._wait, error=cast("Any", self._error)
            ),
            reraise=True,
        )

    def _take_token(self) -> bool:
        """Take the token of another attempt, and return whether there was one. If not, the error says so."""
        budget = self._retries.budget
        if budget.take():
            self._taken += 1
            return True
        error = cast("TofuPilotError", self._error)
        error.retry_budget = budget.tokens
        error.add_note(
            f"not tried again: the retry budget of the session is used up ({budget.tokens:.1f} of "
            f"{budget.CAPACITY:.0f} left, each success adds {budget.GAIN})"
        )
        return False


class _AttemptsByController(Attempts[T]):
    """The attempts that a tenacity controller of the user's own allows.

    It is not asked about what ends the request from outside: cancelling it, and closing the session.
    """

    def __init__(self, retries: Retries, counts: RequestCounts, controller: AsyncRetrying) -> None:
        super().__init__(retries, counts, _ONCE.max_retry_after)
        callback = controller.retry_error_callback

        async def refuse(state: RetryCallState) -> None:
            answer: Any = cast("Any", callback)(state)
            if isawaitable(answer):
                answer = await answer
            raise TypeError(f"retry must not make up an answer: its retry_error_callback returned {answer!r}")

        # A controller keeps the state of an iteration in itself, so each request has a copy.
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
            # An answer that is judged good comes back as if it were an attempt.
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
