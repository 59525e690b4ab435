"""The attempts that a `RetryPolicy` allows. The policy decides, and tenacity waits and tries again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from aiotofupilot.errors import ConfigurationError, SessionError, TofuPilotError

from .attempts import Attempts
from .gate import MissedTurnError
from .records import log_retry

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from tenacity import AsyncRetrying, RetryCallState

    from aiotofupilot.stats import RequestCounts

    from .policy import RetryPolicy
    from .retries import Retries

__all__ = ["PolicyAttempts"]

T = TypeVar("T")


class PolicyAttempts(Attempts[T]):
    """The attempts that a `RetryPolicy` allows.

    tenacity is used only after a failure, because it would add to the cost of each page.
    """

    def __init__(self, retries: Retries, target: str, counts: RequestCounts, policy: RetryPolicy) -> None:
        super().__init__(retries, counts, policy.max_retry_after)
        self._target = target
        self._policy = policy
        self._is_answered = False
        self._error: TofuPilotError | None = None
        """The error of the last attempt, if another attempt may follow."""
        self._wait = 0.0
        """Seconds that the policy waits before the next attempt."""
        self._took = 0.0
        """Seconds that the last attempt took."""
        self._taken = 0
        """Tokens that this request has taken from the budget."""
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
            self._error = None  # its traceback refers to a frame that refers to this object
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
        """Let tenacity wait for the next attempt, or raise the error if there is none."""
        if self._missed_turn:  # so the attempt for which the last token was taken was not made
            self._retries.budget.put_back()
            raise error
        if self._controller is None or self._state is None:
            # tenacity hears of the first attempt only after its failure.
            self._controller = aiter(self._make_controller())
            self._state = (await anext(self._controller)).retry_state
        self._state.set_exception((type(error), error, error.__traceback__))
        await anext(self._controller)

    def _make_controller(self) -> AsyncRetrying:
        from tenacity import AsyncRetrying, retry_if_exception_type  # noqa: PLC0415 - a tenth of the package's import

        clock, gate = self._retries.clock, self._retries.gate

        def stop(_: RetryCallState) -> bool:  # called once after each failed attempt, so it may take a token
            next_at = clock.monotonic() + max(self._wait, gate.rest(self.max_retry_after))
            return next_at - self._began >= self._policy.max_elapsed or not self._take_token()

        async def sleep(seconds: float) -> None:
            self._counts.add(waited=seconds)
            await clock.sleep(seconds)

        return AsyncRetrying(
            retry=retry_if_exception_type(TofuPilotError),  # the policy has already decided
            wait=lambda _: self._wait,
            stop=stop,
            sleep=sleep,
            before_sleep=lambda _: log_retry(
                self._target, attempt=self.made, took=self._took, wait=self._wait, error=cast("Any", self._error)
            ),
            reraise=True,
        )

    def _take_token(self) -> bool:
        """Take a token for another attempt, and return whether there was one. If not, the error says so."""
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
