"""Whether and when a page is requested again: the policy, and the attempts at one page."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import frozen

from aiotofupilot._checks import for_parameter, integer, must_be, seconds
from aiotofupilot._otel import retried
from aiotofupilot._request import Deadline, Suspicion
from aiotofupilot.errors import APIError, ConfigurationError, RequestTimeoutError, SessionError, TofuPilotError

from .outage import (
    MissedSlotError,
    Wanted,
    WentDownError,
    asked_wait,
    copied,
    evidence,
    is_lost,
    is_refused,
    is_slow,
    is_transient,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from typing import Self, TypeAlias, Unpack

    from tenacity import AsyncRetrying, RetryCallState

    from aiotofupilot._request import FetchOptions, Label
    from aiotofupilot.stats import RequestCounts

    from .throttle import Throttle

    Retry: TypeAlias = "RetryPolicy | AsyncRetrying | None"

__all__ = ["RetryPolicy"]

T = TypeVar("T")

Rule = Callable[[TofuPilotError, int], bool | float | None]
"""A function that takes an error and the number of the attempt, and returns a decision; see `RetryPolicy.rules`."""

_SLOW_ATTEMPTS = 2
"""After so many attempts that took too long, a page is given up if others can be read, so that it is read in parts."""

_log = logging.getLogger("aiotofupilot")


@frozen(kw_only=True)
class RetryPolicy:
    """How often a page is requested again, and after how long.

    A failure is about the page or about the server. It is about the page after a 500, 504, 408, 524 or another 5xx, a
    timeout, and a response that is not JSON. Then the wait before attempt n + 1 is drawn from 0 to ``min(max_wait,
    initial_wait * 2 ** (n - 1))``: exponential backoff with full jitter. Other pages do not wait.

    A failure is about the server after a 429, 502, 503, 520 to 523, 529 or 530, and if there is no connection or it is
    lost. While these come and no response is good, the session is down. Then one page at a time is requested, and all
    others wait. The wait before the next one is drawn from 0 to ``min(max_wait, max(initial_wait, seconds since the
    outage began))``. After the first good response to a request that was sent during the outage, requests begin again
    gradually: one, two, four and so on at a time. A response to an earlier request does not end the outage, because a
    server that restarts may finish what it had accepted.

    If the server sends Retry-After, the wait is that time, unless it is 0 or has passed. A 429 or a Retry-After pauses
    the whole session. If a 429 does not say for how long, the pause is at least 1 second.

    Example:
        def on_conflict(error: TofuPilotError, attempt: int) -> bool | None:
            return True if isinstance(error, APIError) and error.status == 409 else None

        RetryPolicy(rules=[on_conflict])

    Raises:
        TypeError: An option is of the wrong type.
        ValueError: An option is out of bounds.

    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    attempts: int = 6
    """The most requests for one page, including the first, while the server responds well to others. 1 means no
    retries. During an outage only ``max_elapsed`` counts. Until there has been any response, the address may be wrong.
    So a connection that is refused or reset is tried ``attempts`` times until then, and a name is resolved twice."""
    max_elapsed: float = 120.0
    """Seconds during which a page may be requested again, and the longest outage that is waited for. They count from
    the first failure of the page, or from when it begins to wait because the session is down. After a timeout they
    count from the beginning of the request. A page does not wait for a request that would be later: its error is raised
    at once. 0 means no retries."""
    initial_wait: float = 0.5
    """The longest wait before the first retry, in seconds. 0 means that no wait is longer than the server requests.
    During an outage, one request then follows another, still one at a time, for up to ``max_elapsed``."""
    max_wait: float = 30.0
    """The longest wait that the policy chooses, in seconds. A Retry-After may be longer."""
    max_retry_after: float = 60.0
    """The longest Retry-After that is obeyed, in seconds. If the server requests more, the error is raised at once."""
    rules: Sequence[Rule] = ()
    """Functions that decide before the policy does, in this order.

    Each is called with the error, and with the number of the attempt that failed, from 1 on. It returns True to try
    again after the policy's wait, a number of seconds to try again after that time, or False to raise the error. It
    returns None to leave the decision to the next rule, and after the last rule to the policy. The rules are not asked
    about a `SessionError` or a `ConfigurationError`. They cannot exceed ``attempts`` and ``max_elapsed``.
    """

    def __attrs_post_init__(self) -> None:
        # Checked here and not by attrs' converters, because mypy would see the type object for every option.
        rules = self.rules
        is_sequence = isinstance(cast("object", rules), Sequence) and not isinstance(rules, str)
        if not (is_sequence and all(map(callable, rules))):
            raise must_be(TypeError, "rules", "a sequence of functions", rules)
        object.__setattr__(self, "rules", tuple(rules))  # so that the policy can be hashed
        object.__setattr__(self, "attempts", integer("attempts", self.attempts, low=1))
        for name in ("max_elapsed", "initial_wait", "max_wait", "max_retry_after"):
            object.__setattr__(self, name, seconds(name, getattr(self, name)))

    def longest_wait(self, attempt: int) -> float:
        """Return the longest wait after an attempt, in seconds.

        Args:
            attempt: The number of the attempt, from 1 on.
        """
        return min(self.max_wait, self.initial_wait * 2.0 ** min(attempt - 1, 1000))  # more is no float

    def longest_probe_wait(self, elapsed: float) -> float:
        """Return the longest wait before the next request while the session is down, in seconds.

        Args:
            elapsed: Seconds since the outage began.
        """
        return min(self.max_wait, max(self.initial_wait, elapsed)) if self.initial_wait else 0.0


def decide(policy: RetryPolicy, error: TofuPilotError, attempt: int) -> bool | float:
    """Return whether a page is requested again after an attempt, or after how many seconds.

    True: the policy chooses the wait, because neither a rule nor the server does.
    """
    asked = asked_wait(error, policy.max_retry_after)
    for rule in policy.rules:
        decision = rule(error, attempt)
        if isinstance(decision, bool):
            return decision and (asked or True)
        if decision is not None:
            return seconds("the decision of a retry rule", decision)
    is_too_long = asked is None and isinstance(error, APIError) and error.retry_after is not None
    return is_transient(error) and not is_too_long and (asked or True)


def checked_retry(retry: object) -> Retry:
    """Return the argument ``retry=``: a policy, a tenacity controller, or None for no retries.

    A controller that would make up a page where there is none is refused.
    """
    if retry is None or isinstance(retry, RetryPolicy):
        return retry
    tenacity = sys.modules.get("tenacity")  # a program that has a controller has imported it
    if tenacity is None or not isinstance(retry, tenacity.AsyncRetrying):
        raise must_be(TypeError, "retry", "a RetryPolicy, a tenacity.AsyncRetrying or None", retry)
    controller = cast("AsyncRetrying", retry)
    if controller.retry_error_callback is not None:
        message = "retry must not have a retry_error_callback, because it would make up a page"
        raise for_parameter(TypeError(message), "retry")
    return controller


_DEFAULT = RetryPolicy()
"""How long is waited where ``retry=`` does not say it, because it is None or a controller."""


class Attempts(Wanted):
    """The attempts at one page.

    The first attempt is made plainly, because tenacity would add to the cost of each page. tenacity makes all others.
    The wait for a session that is down is a part of tenacity's sleep. `Connection.get` and `FetchOptions` explain the
    arguments. A `Suspicion` carries the attempts until they go on.
    """

    # Most pages change none of these, so they are attributes of the class until a failure sets them.
    _failure: Exception | None = None
    """How the last attempt failed. None if it did not."""
    _response: Exception | None = None
    """What the last response said that was a failure. None if there was none."""
    _wait: float = 0.0
    """How many seconds to wait before the next attempt, at least."""
    _own_failures: int = 0
    """How many failures were about this page."""
    _slow_failures: int = 0
    """How many of them were due to its length, perhaps."""
    _failures_before: float = math.inf
    """How many requests of the session had failed, up to the last failure of this page. Infinite if it has not."""
    _attempt_began: float = 0.0
    _suspicion: Suspicion | None = None
    """The last one, once something else was requested because of it."""
    _is_suspended: bool = False

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
        # Beside a controller, the policy says only what the throttle has to know.
        self._policy = policy = retry if isinstance(retry, RetryPolicy) else _DEFAULT
        super().__init__(policy.attempts, policy.max_retry_after, policy.longest_probe_wait, counts, deadline)
        self._controller = None if once or isinstance(retry, RetryPolicy) else retry
        self.waits = policy.attempts > 1 and policy.max_elapsed > 0 and policy is retry and not once
        self._once = once
        self._suspects = options.get("suspects", False)
        self._began = self._clock.monotonic()
        if once:
            self._limit(self._began)

    def resume(self, suspicion: Suspicion) -> None:
        """Take the attempts back that a suspicion has interrupted, now that something else was requested."""
        suspicion.tried = None  # the traceback of its failure is to refer to frames that refer to the suspicion
        self._suspicion, self._is_suspended = suspicion, False

    async def make(self, send: Callable[[Self], Awaitable[T]]) -> T:
        """Return the result of the first attempt that succeeds. ``send`` makes one, and calls `begin` first.

        Raises:
            TofuPilotError: There is no other attempt. Whoever handles it calls `sign`.
            Suspicion: Something else is to be requested before the next attempt.
        """
        try:
            if self._controller is not None:
                return await self._iterate(self._as_controlled(self._controller), send)
            if self._failure is not None:
                await self._go_on()
            elif self._throttle.health.outage is not None:
                await self._begin_in_outage()
            try:
                try:
                    return await self._throttle.send(self, send)  # not by `_sent`, because each page would pay for it
                except WentDownError:
                    return await self._sent(send)
            except TofuPilotError as error:
                if not self.waits or isinstance(error, SessionError | ConfigurationError):
                    raise
                self._note_failure(error)
            from tenacity import AsyncRetrying, retry_if_exception  # noqa: PLC0415 - a tenth of the package's import

            controller = AsyncRetrying(
                retry=retry_if_exception(self._is_wanted),
                wait=lambda _: self._wait,
                sleep=self._sleep,
                reraise=True,
            )
            return await self._iterate(controller, send)
        except MissedSlotError:
            self._give_up()
            if isinstance(self._failure, TofuPilotError):
                raise self._failure from None
            message = f"{self._label} was not requested, because the time is up"
            raise RequestTimeoutError(message, timeout=None) from None
        finally:
            self._throttle.release(self)
            if not self._is_suspended:  # the traceback of a failure refers to frames that refer to this object
                self._failure = self._response = self._suspicion = None

    def begin(self) -> None:
        """Count an attempt. Call it when the request is about to be sent."""
        self._attempt_began = self._clock.monotonic()
        if self.made:
            retried(self.made + 1, type(self._failure).__qualname__)
        elif self.deadline.at is None:
            self._began = self._attempt_began
        self.counts.add(requests=1, retries=1 if self.made else 0)
        self.made += 1

    def sign(self, error: TofuPilotError) -> None:
        """Note with an error how many attempts were made, in which time, and whether the session is down."""
        error.attempts = self.made
        if self.made > 1 or self.deadline.is_missed:
            error.elapsed = self._clock.monotonic() - self._began
        health = self._throttle.health
        if health.outage is not None and health.is_reached:
            error.down_since = since = self._throttle.down_since
            if self.deadline.is_missed and since is not None:
                error.add_note(
                    f"not requested again: the session has been down since {since.isoformat(timespec='seconds')}, "
                    f"and the page may take {self._policy.max_elapsed} s (max_elapsed)"
                )

    async def _sent(self, send: Callable[[Self], Awaitable[T]]) -> T:
        """Return the result of an attempt, which waits for its slot, and for the server if it goes down before that."""
        while True:
            try:
                return await self._throttle.send(self, send)
            except WentDownError:
                self._limit(self._clock.monotonic())
                await self._wait_for_server()

    async def _iterate(self, controller: AsyncRetrying, send: Callable[[Self], Awaitable[T]]) -> T:
        """Make the attempts that a controller allows. The last failure comes first, if there is one.

        The controller is not asked when the request is cancelled, or when the session is closed.
        """
        result = cast("T", None)  # until an attempt succeeds
        state: RetryCallState | None = None
        try:
            async for attempt in controller:
                state = attempt.retry_state
                if self._failure is None or state.attempt_number > 1:
                    try:
                        result = await self._sent(send)
                    except (SessionError, MissedSlotError, Suspicion):
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
                state.outcome = None  # the controller and its state refer to each other, and would keep the failure

    def _as_controlled(self, controller: AsyncRetrying) -> AsyncRetrying:
        """Return a copy of a controller of the user, because it holds the state of its iteration."""
        sleep = cast("Any", controller.sleep)

        async def counted(seconds: float) -> None:
            self.counts.add(waited=seconds)
            await sleep(seconds)

        return controller.copy(sleep=counted)

    async def _begin_in_outage(self) -> None:
        """Wait until the page may be requested. What is requested once does not wait, and probes if no other does."""
        if self.waits:
            self._limit(self._began)
            await self._wait_for_server(is_new=True)
        elif self._once and self._throttle.health.probing is None:
            self._throttle.health.probing = self

    async def _go_on(self) -> None:
        """Wait until the page may be requested again, now that something else was. If it may not, raise its failure."""
        if is_slow(self._failure) and self._slow_failures >= _SLOW_ATTEMPTS:
            if self._is_confirmed or not self._is_in_time():
                raise cast("TofuPilotError", self._failure)
            await self._sleep(self._wait)
        elif not self._is_confirmed:
            outage = self._throttle.health.outage
            if outage is not None:  # otherwise the failure was about what was requested
                lasts, level = self._clock.monotonic() - outage.began, self._throttle.log_level(self)
                message = "the server has been down for %.1f s, next request in %.2f s: %s"
                _log.log(level, message, lasts, self._until_probe(), outage.failure)
            await self._wait_for_server()

    @property
    def _is_confirmed(self) -> bool:
        """Whether there was a good response to something else when this page failed."""
        return self._suspicion is not None and self._suspicion.is_confirmed

    def _is_wanted(self, error: BaseException) -> bool:
        """Return whether another attempt is wanted and can begin in time, and decide how long to wait before it."""
        if not isinstance(error, TofuPilotError) or isinstance(error, ConfigurationError):
            return False
        decision = decide(self._policy, error, self.made)
        return decision is not False and self._is_allowed(error, decision) and self._is_in_time()

    def _is_in_time(self) -> bool:
        """Return whether another attempt can begin in time. If not, the page is given up."""
        wait = max(self._wait, self._throttle.rest(), self._until_probe())
        is_in_time = self._clock.monotonic() + wait < self.until
        if not is_in_time:
            self._give_up()
        return is_in_time

    def _is_allowed(self, error: TofuPilotError, decision: bool | float) -> bool:  # noqa: FBT001 - as `decide` says
        """Return whether another attempt is allowed, after a decision that is not False, and set the wait before it.

        A page that took too long twice is not requested again if others succeed, so that it is read in parts.
        """
        health, before = self._throttle.health, self._failures_before
        self._failures_before = health.failures
        if evidence(error) == "server":
            # A response that is not good says more about the server than a connection that was lost.
            is_there = (health.responded_after if is_lost(error) else health.good_after) >= before
            return self._waits_for_server(error, decision, is_there=is_there)
        if not self._allows_another(decision):
            return False
        if not self._suspects or not is_slow(error):
            return True
        self._slow_failures += 1
        if self._slow_failures < _SLOW_ATTEMPTS:
            return True
        if health.good_after < before:
            raise self._suspended()
        return False

    def _waits_for_server(
        self,
        error: TofuPilotError,
        decision: bool | float,  # noqa: FBT001 - as `decide` says
        *,
        is_there: bool,
    ) -> bool:
        """Return the same after a failure about the server.

        During an outage, only the time limits the attempts. Otherwise ``attempts`` does so, but only if the server
        ``is_there``: another request had a response that was sent after the failure before this one. What a response
        to this page said is raised rather than that the connection was lost.
        """
        health = self._throttle.health
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
        """Count a failure of the page, and return whether another attempt is allowed, after `_wait` seconds."""
        self._own_failures += 1
        longest = self._policy.longest_wait(self._own_failures)
        self._wait = self._clock.uniform(0.0, longest) if decision is True else decision
        return self._own_failures < self.attempts

    def _until_probe(self) -> float:
        """Return the seconds until the next probe, or 0.0 if the session is not down."""
        outage = self._throttle.health.outage
        return 0.0 if outage is None else outage.next_probe_at - self._clock.monotonic()

    async def _sleep(self, seconds: float) -> None:
        """Wait for the time of the next attempt, and until the session is up or it is the turn of the page to probe."""
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
        if self._suspects and self.is_exhausted and health.probing is self and health.is_reached:
            # The page was requested often enough, and so was every other one that waits. So the probe is another.
            raise self._suspended()

    def _suspended(self) -> Suspicion:
        self._is_suspended = True
        return Suspicion(self)

    def _note_failure(self, error: Exception) -> None:
        self._failure = error
        if not is_lost(error):
            self._response = error
        self._limit(self._began if isinstance(error, RequestTimeoutError) else self._clock.monotonic())

    def _limit(self, began: float) -> None:
        """Begin the time of this page, unless it has begun before. A controller sets its own limits."""
        if self.deadline.at is None and self._controller is None:
            self.deadline.at = began + self._policy.max_elapsed

    def _give_up(self) -> None:
        """Note that neither the page nor what has the same time limit is requested any longer."""
        self.deadline.at, self.deadline.is_missed = self._clock.monotonic(), True

    def _log(self) -> None:
        """Log that an attempt has failed, and when the next one is made."""
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
