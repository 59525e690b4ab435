"""The attempts at one page."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any, TypeVar, cast

from aiotofupilot._otel import event
from aiotofupilot._request import Deadline
from aiotofupilot.errors import APIError, ConfigurationError, RequestTimeoutError, SessionError, TofuPilotError

from .outage import MissedSlotError, RetryState, WentDownError
from .policy import RetryPolicy, copied, decide, evidence, is_lost, is_refused, is_slow, longest_wait

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Self, Unpack

    from tenacity import AsyncRetrying, RetryCallState

    from aiotofupilot._request import Control, FetchOptions, Label
    from aiotofupilot.stats import RequestCounts

    from .policy import Retry
    from .throttle import Throttle

T = TypeVar("T")

_SLOW_ATTEMPTS = 2
"""After this many slow attempts, a page is read in parts, provided that other pages can be read."""

_log = logging.getLogger("aiotofupilot")

_DEFAULT = RetryPolicy()
"""The waits if ``retry=`` is None or a tenacity controller."""


class _NeedsControlError(Exception):
    """Perhaps only this page fails, so another page, the control, has to be requested first."""

    def __init__(self, control: Control) -> None:
        super().__init__()
        self.control = control


class Attempts(RetryState):
    """The attempts at one page.

    The first attempt is made without tenacity, because tenacity would cost time for each page. The others are made by
    tenacity, whose sleep includes the wait for a session that is down.
    """

    # These are attributes of the class until a failure sets them, because most pages never do.
    _failure: Exception | None = None
    _response: Exception | None = None
    """The last failure that was a response."""
    _wait: float = 0.0
    """The least seconds to wait before the next attempt."""
    _own_failures: int = 0
    """How many failures were about this page."""
    _slow_failures: int = 0
    """How many failures may be due to the page's length."""
    _failures_before: float = math.inf
    """How many failures the session had up to the last failure of this page. Infinity if the page has not failed."""
    _attempt_began: float = 0.0
    _controls: int = 0
    _is_confirmed: bool = False
    """Whether the last control had a good response, so that perhaps only this page fails."""

    def __init__(
        self,
        throttle: Throttle,
        retry: Retry,
        label: Label,
        counts: RequestCounts,
        **options: Unpack[FetchOptions],
    ) -> None:
        once, deadline = options.get("once", False), options.get("deadline") or Deadline()
        self._throttle, self._clock = throttle, throttle.clock
        self._label = label
        policy = retry if isinstance(retry, RetryPolicy) else _DEFAULT
        super().__init__(policy, counts, deadline)
        self._controller = None if once or isinstance(retry, RetryPolicy) else retry
        self.waits = policy.attempts > 1 and policy.max_elapsed > 0 and policy is retry and not once
        self._once = once
        self._control = options.get("control")
        self._began = self._clock.monotonic()
        if once:
            self._limit(self._began)

    async def make(self, send: Callable[[Self], Awaitable[T]]) -> T:
        """Return the result of the first attempt that succeeds. ``send`` calls `begin`. The caller calls `sign`."""
        try:
            if self._controller is not None:
                return await self._iterate(self._as_controlled(self._controller), send)
            if self._throttle.health.outage is not None:
                await self._begin_in_outage()
            try:
                try:
                    return await self._throttle.send(self, send)  # without `_sent`, which would cost time for each page
                except WentDownError:
                    return await self._sent(send)
            except TofuPilotError as error:
                if not self.waits or isinstance(error, SessionError | ConfigurationError):
                    raise
                self._note_failure(error)
            return await self._make_others(send)
        except MissedSlotError:
            self._give_up()
            if isinstance(self._failure, TofuPilotError):
                raise self._failure from None
            message = f"{self._label} was not requested, because its time (max_elapsed) was up"
            raise RequestTimeoutError(message, timeout=None) from None
        finally:
            self._throttle.release(self)
            self._failure = self._response = None  # its traceback refers to frames that refer to this object

    async def _make_others(self, send: Callable[[Self], Awaitable[T]]) -> T:
        """Make the attempts after the first, and request controls where needed."""
        from tenacity import AsyncRetrying, retry_if_exception  # noqa: PLC0415 - a tenth of the package's import

        has_failed = True
        while True:
            controller = AsyncRetrying(
                retry=retry_if_exception(self._is_wanted),
                wait=lambda _: self._wait,
                sleep=self._sleep,
                reraise=True,
            )
            try:
                if not has_failed:
                    await self._go_on()
                return await self._iterate(controller, send, has_failed=has_failed)
            except _NeedsControlError as needed:
                control = needed.control
            self._throttle.release(self)
            self._is_confirmed = await control(self._controls)
            self._controls += 1
            has_failed = False

    def begin(self) -> None:
        """Count an attempt whose request is about to be sent."""
        self._attempt_began = self._clock.monotonic()
        if self.made:
            event("retry", {"attempt": self.made + 1, "failure": type(self._failure).__qualname__})
        elif self.deadline.at is None:
            self._began = self._attempt_began
        self.counts.add(requests=1, retries=1 if self.made else 0)
        self.made += 1

    def sign(self, error: TofuPilotError) -> None:
        """Add the attempts, their time and the outage to an error."""
        error.attempts = self.made
        if self.made > 1 or self.deadline.is_missed:
            error.elapsed = self._clock.monotonic() - self._began
        health = self._throttle.health
        if health.outage is not None and health.is_reached:
            error.down_since = since = self._throttle.down_since
            if self.deadline.is_missed and since is not None:
                error.add_note(
                    f"not requested again: the session has been down since {since.isoformat(timespec='seconds')}, "
                    f"and a page waits at most {self.policy.max_elapsed} s (max_elapsed)"
                )

    async def _sent(self, send: Callable[[Self], Awaitable[T]]) -> T:
        """Make an attempt. If the server goes down before the attempt may start, wait for the server."""
        while True:
            try:
                return await self._throttle.send(self, send)
            except WentDownError:
                self._limit(self._clock.monotonic())
                await self._wait_for_server()

    async def _iterate(
        self, controller: AsyncRetrying, send: Callable[[Self], Awaitable[T]], *, has_failed: bool = False
    ) -> T:
        """Make the attempts that a tenacity controller allows. It sees no cancellation and no closed session."""
        result = cast("T", None)  # until an attempt succeeds
        state: RetryCallState | None = None
        try:
            async for attempt in controller:
                state = attempt.retry_state
                if not has_failed or state.attempt_number > 1:
                    try:
                        result = await self._sent(send)
                    except (SessionError, MissedSlotError, _NeedsControlError):
                        raise
                    except Exception as error:  # noqa: BLE001 - the controller decides about it
                        self._note_failure(error)
                    else:
                        self._failure = None
                        state.set_result(result)
                        continue
                failure = cast("Exception", self._failure)
                state.set_exception((type(failure), failure, failure.__traceback__))
                del failure  # its traceback refers to this frame
            return result
        finally:
            if state is not None:
                state.outcome = None  # a reference cycle would keep the failure

    def _as_controlled(self, controller: AsyncRetrying) -> AsyncRetrying:
        """Copy the user's controller, because it holds the state of one iteration."""
        sleep = cast("Any", controller.sleep)

        async def counted(seconds: float) -> None:
            self.counts.add(waited=seconds)
            await sleep(seconds)

        return controller.copy(sleep=counted)

    async def _begin_in_outage(self) -> None:
        """Wait for the server. If only one attempt is allowed, probe at once, unless another page probes."""
        if self.waits:
            self._limit(self._began)
            await self._wait_for_server(is_new=True)
        elif self._once and self._throttle.health.probing is None:
            self._throttle.health.probing = self

    async def _go_on(self) -> None:
        """After a control, wait until the page may be requested again, or raise its failure."""
        if is_slow(self._failure) and self._slow_failures >= _SLOW_ATTEMPTS:
            if self._is_confirmed or not self._is_in_time():
                raise cast("TofuPilotError", self._failure)
            await self._sleep(self._wait)
        elif not self._is_confirmed:
            outage = self._throttle.health.outage
            if outage is not None:  # if None, the control failed
                lasts, level = self._clock.monotonic() - outage.began, self._throttle.log_level(self)
                message = "the server has been down for %.1f s, next request in %.2f s: %s"
                _log.log(level, message, lasts, self._until_probe(), outage.failure)
            await self._wait_for_server()

    def _is_wanted(self, error: BaseException) -> bool:
        """Return whether to make another attempt, and set the wait before it."""
        if not isinstance(error, TofuPilotError) or isinstance(error, ConfigurationError):
            return False
        decision = decide(self.policy, error, self.made)
        return decision is not False and self._is_allowed(error, decision) and self._is_in_time()

    def _is_in_time(self) -> bool:
        """Return whether another attempt can begin in time. If not, give up the page."""
        wait = max(self._wait, self._throttle.rest(), self._until_probe())
        is_in_time = self._clock.monotonic() + wait < self.until
        if not is_in_time:
            self._give_up()
        return is_in_time

    def _is_allowed(self, error: TofuPilotError, decision: bool | float) -> bool:  # noqa: FBT001 - as `decide` says
        """Apply the limits of attempts. A page that took too long twice is read in parts, if other pages succeed."""
        health, before = self._throttle.health, self._failures_before
        self._failures_before = health.failures
        if evidence(error) == "server":
            return self._waits_for_server(error, decision, before)
        if not self._allows_another(decision):
            return False
        if self._control is None or not is_slow(error):
            return True
        self._slow_failures += 1
        if self._slow_failures < _SLOW_ATTEMPTS:
            return True
        if health.good_after < before:
            raise _NeedsControlError(self._control)
        return False

    def _waits_for_server(self, error: TofuPilotError, decision: bool | float, before: float) -> bool:  # noqa: FBT001 - as `decide` says
        """Return whether another attempt is allowed after a failure about the server.

        During an outage, only the time limit counts. The number of attempts counts too if the server is there, because
        it responded to a request that was sent after this page's previous failure. By then, the session had had
        ``before`` failures. If the page is given up, a failure with a response is raised in preference to a lost
        connection.
        """
        health = self._throttle.health
        # A bad response says more about the server than a lost connection.
        is_there = (health.responded_after if is_lost(error) else health.good_after) >= before
        if health.is_unreachable:
            self._give_up()
            return False
        is_own = is_there or health.outage is None
        is_over = is_own and not self._allows_another(decision) and is_there
        if is_over or (self._is_confirmed and not is_refused(error)):
            if is_lost(error) and self._response is not None:
                raise self._response
            return False
        if health.outage is not None:
            self._wait = 0.0 if decision is True else decision
        return True

    def _allows_another(self, decision: bool | float) -> bool:  # noqa: FBT001 - as `decide` says
        """Count a failure of the page, set `_wait`, and return whether another attempt is allowed."""
        self._own_failures += 1
        longest = longest_wait(self.policy, self._own_failures)
        self._wait = self._clock.uniform(0.0, longest) if decision is True else decision
        return self._own_failures < self.policy.attempts

    def _until_probe(self) -> float:
        outage = self._throttle.health.outage
        return 0.0 if outage is None else outage.next_probe_at - self._clock.monotonic()

    async def _sleep(self, seconds: float) -> None:
        self._log()
        if seconds:
            self.counts.add(waited=seconds)
            await self._clock.sleep(seconds)
        if self._throttle.health.outage is not None:
            await self._wait_for_server()

    async def _wait_for_server(self, *, is_new: bool = False) -> None:
        outage = await self._throttle.wait_for_server(self, is_new=is_new)
        if outage is not None:
            self._give_up()
            raise copied(outage.failure)
        health = self._throttle.health
        if self._control and self.is_exhausted and health.probing is self and health.is_reached:
            # No waiting page has more than one attempt left, so a control is the probe.
            raise _NeedsControlError(self._control)

    def _note_failure(self, error: Exception) -> None:
        self._failure = error
        if not is_lost(error):
            self._response = error
        self._limit(self._began if isinstance(error, RequestTimeoutError) else self._clock.monotonic())

    def _limit(self, began: float) -> None:
        """Start the time limit of this page, if it has not started. A tenacity controller has its own limits."""
        if self.deadline.at is None and self._controller is None:
            self.deadline.at = began + self.policy.max_elapsed

    def _give_up(self) -> None:
        """End the time limit, even for other pages that share it."""
        self.deadline.at, self.deadline.is_missed = self._clock.monotonic(), True

    def _log(self) -> None:
        failure, took = self._failure, self._clock.monotonic() - self._attempt_began
        wait = max(self._wait, self._until_probe())
        _log.log(
            self._throttle.log_level(self),
            "%s: attempt %d failed after %.2f s, next in %.2f s: %s",
            self._label,
            self.made,
            took,
            wait,
            failure,
            extra={
                "tofupilot_listing": self._label.listing,
                "tofupilot_cursor": self._label.cursor,
                "tofupilot_attempt": self.made,
                "tofupilot_duration": took,
                "tofupilot_wait": wait,
                "tofupilot_error": type(failure).__name__,
                "tofupilot_status": failure.status if isinstance(failure, APIError) else None,
            },
        )
