"""The attempts at one page."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast
from urllib.parse import parse_qs, urlsplit

from aiotofupilot._otel import retried
from aiotofupilot.clock import Deadline
from aiotofupilot.errors import APIError, ConfigurationError, RequestTimeoutError, SessionError, TofuPilotError

from .outage import Wanted, copied
from .retry import RetryPolicy, decide, evidence, is_slow
from .throttle import MissedSlotError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Self

    from tenacity import AsyncRetrying, RetryCallState

    from aiotofupilot.clock import Clock
    from aiotofupilot.stats import RequestCounts

    from .retry import Retry
    from .throttle import Throttle

T = TypeVar("T")

_SLOW_ATTEMPTS = 2
"""After so many attempts that took too long, a page is given up if others can be read, so that it is read in parts."""

_DEFAULT = RetryPolicy()
"""How long is waited where ``retry=`` does not say it, because it is None or a controller."""

_log = logging.getLogger("aiotofupilot")


class Attempts(Wanted, Generic[T]):
    """The attempts at one page.

    The first attempt is made plainly, because tenacity would add to the cost of each page. tenacity makes all others.
    The wait for a session that is down is a part of tenacity's sleep. `Connection.get` explains the arguments.
    """

    # What most pages never change is not set for each of them.
    _attempt_began: float = 0.0
    _took: float = 0.0
    _wait: float = 0.0
    _own: int = 0
    """How many failures were about this page."""
    _slow: int = 0
    """How many of them were due to its length, perhaps."""
    _is_confirmed: bool = False
    """Whether there was a good response to something else when this page failed."""
    _failure: Exception | None = None
    """How the last attempt failed. None: it did not, or there was none."""

    def __init__(
        self,
        throttle: Throttle,
        clock: Clock,
        retry: Retry,
        target: str,
        counts: RequestCounts,
        *,
        once: bool = False,
        deadline: Deadline | None = None,
        control: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        self._throttle = throttle
        self._clock = clock
        self._target = target
        # Beside a controller, the policy says only what the throttle has to know.
        super().__init__(retry if isinstance(retry, RetryPolicy) else _DEFAULT, counts, deadline or Deadline())
        self._controller = None if once or isinstance(retry, RetryPolicy) else retry
        is_patient = self.policy.attempts > 1 and self.policy.max_elapsed > 0
        self._is_tried_again = is_patient and not once and self.policy is retry
        self._control = control
        self._good = throttle.health.good
        self._began = clock.monotonic()
        if once and deadline is not None:
            self._limit(self._began)

    async def make(self, send: Callable[[Self], Awaitable[T]]) -> T:
        """Return the result of the first attempt that succeeds. ``send`` makes one, and calls `begin` first.

        Raises:
            TofuPilotError: There is no other attempt. Whoever handles it calls `sign`.
        """
        try:
            if self._controller is not None:
                return await self._iterate(self._as_controlled(self._controller), send)
            if self._is_tried_again and self._throttle.health.outage is not None:
                self._limit(self._began)
                await self._wait_for_server(is_new=True)
            try:
                return await self._throttle.send(self, send)
            except TofuPilotError as error:
                if not self._is_tried_again or isinstance(error, SessionError | ConfigurationError):
                    raise
                self._note_failure(error)
            return await self._iterate(self._of_policy(), send)
        except MissedSlotError:
            self._give_up()
            if isinstance(self._failure, TofuPilotError):
                raise self._failure from None
            path = urlsplit(self._target).path
            raise RequestTimeoutError(f"{path} was not requested, because the time is up", timeout=None) from None
        finally:
            self._throttle.release(self)
            self._failure = None  # its traceback refers to frames that refer to this object

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
        if isinstance(error, ConfigurationError):  # the request could not be sent
            self.made -= 1
            self.counts.add(requests=-1, retries=-1 if self.made else 0)
        error.attempts = self.made
        if self.made > 1 or self.deadline.is_missed:
            error.elapsed = self._clock.monotonic() - self._began
        health = self._throttle.health
        if health.outage is not None and health.is_reached:
            error.down_since = since = self._throttle.down_since
            if self.deadline.is_missed and since is not None:
                error.add_note(
                    f"not requested again: the session has been down since {since.isoformat(timespec='seconds')}, "
                    f"and the page may take {self.policy.max_elapsed} s (max_elapsed)"
                )

    async def _iterate(self, controller: AsyncRetrying, send: Callable[[Self], Awaitable[T]]) -> T:
        """Make the attempts that a controller allows. It is told the last failure first, if there is one.

        The controller is not asked when the request is cancelled, or when the session is closed.
        """
        is_told = self._failure is None
        state: RetryCallState | None = None
        async for attempt in controller:
            if state is not None and state.outcome is not None:  # pragma: no cover - only before tenacity 9.2
                break  # before 9.2, tenacity yields another attempt after a good response
            state = attempt.retry_state
            if is_told:
                try:
                    self._result, self._failure = await self._throttle.send(self, send), None
                except (SessionError, MissedSlotError):
                    raise
                except Exception as error:  # noqa: BLE001 - the controller decides about it
                    self._note_failure(error)
            is_told = True
            if self._failure is None:
                state.set_result(self._result)
            else:
                state.set_exception((type(self._failure), self._failure, self._failure.__traceback__))
        return self._result

    def _as_controlled(self, controller: AsyncRetrying) -> AsyncRetrying:
        """Return a copy of a controller of the user, because it holds the state of its iteration."""
        sleep = cast("Any", controller.sleep)

        async def counted(seconds: float) -> None:
            self.counts.add(waited=seconds)
            await sleep(seconds)

        return controller.copy(sleep=counted)

    def _of_policy(self) -> AsyncRetrying:
        from tenacity import AsyncRetrying  # noqa: PLC0415 - a tenth of the package's import

        return AsyncRetrying(retry=self._is_wanted, wait=lambda _: self._wait, sleep=self._sleep, reraise=True)

    async def _is_wanted(self, _: RetryCallState) -> bool:
        """Return whether another attempt is wanted and can begin in time, and decide how long to wait before it.

        If it could not begin in time, the page is given up.
        """
        error = self._failure
        if not isinstance(error, TofuPilotError) or isinstance(error, ConfigurationError):
            return False
        decision = decide(self.policy, error, self.made)
        if decision is False or not await self._is_allowed(error, decision):
            return False
        rest, probe = self._throttle.rest(), self._until_probe()
        is_in_time = self._clock.monotonic() + max(self._wait, rest, probe) < self.until
        if not is_in_time:
            self._give_up()
        return is_in_time

    async def _is_allowed(self, error: TofuPilotError, decision: bool | float) -> bool:  # noqa: FBT001 - as `decide` says
        """Return whether another attempt is allowed, after a decision that is not False, and set the wait before it.

        During an outage, only the time limits the attempts. A page that took too long twice is not requested again if
        others are answered, so that it is read in parts.
        """
        health = self._throttle.health
        are_others_answered, self._good = health.good > self._good, health.good
        if evidence(error) != "server":
            if not self._allows_another(decision):
                return False
            if self._control is None or not is_slow(error):
                return True
            self._slow += 1
            return self._slow < _SLOW_ATTEMPTS or not (are_others_answered or await self._control())
        if health.is_unreachable:
            self._give_up()
            return False
        is_own = are_others_answered or health.outage is None
        if self._is_confirmed or (is_own and not self._allows_another(decision)):
            return False
        if health.outage is not None:
            self._wait = 0.0 if decision is True else decision
        return True

    def _allows_another(self, decision: bool | float) -> bool:  # noqa: FBT001 - likewise
        """Count a failure of the page itself, and return whether another attempt is allowed, after `_wait` seconds."""
        self._own += 1
        if self._own >= self.policy.attempts:
            return False
        longest = self.policy.longest_wait(self._own)
        self._wait = self._clock.uniform(0.0, longest) if decision is True else decision
        return True

    def _until_probe(self) -> float:
        """Return the seconds until the next probe; 0.0: the session is not down."""
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
        while (outage := await self._throttle.wait_for_server(self, is_new=is_new)) is None:
            health, is_new = self._throttle.health, False
            if self._control is None or not self.is_exhausted or health.probing is not self or not health.is_reached:
                return
            # The page was requested often enough, and so was every other one that waits. So the probe is another.
            try:
                self._is_confirmed = await self._control()
            finally:
                self._throttle.release(self)
            if self._is_confirmed:
                return
            self._log_outage()
        self._give_up()
        raise copied(outage.failure)

    def _note_failure(self, error: Exception) -> None:
        self._failure, self._took = error, self._clock.monotonic() - self._attempt_began
        self._limit(self._began if isinstance(error, RequestTimeoutError) else self._clock.monotonic())

    def _limit(self, began: float) -> None:
        """Begin the time of this page, unless it has begun before. A controller sets its own limits."""
        if self.deadline.at is None and self._controller is None:
            self.deadline.at = began + self.policy.max_elapsed

    def _give_up(self) -> None:
        """Note that neither the page nor what has the same time limit is requested any longer."""
        self.deadline.at, self.deadline.is_missed = self._clock.monotonic(), True

    def _log_outage(self) -> None:
        """Log that something else than this page has failed too, so that the server seems to be down."""
        outage = self._throttle.health.outage
        if outage is not None:  # otherwise the failure was about what was requested
            lasts, level = self._clock.monotonic() - outage.began, self._throttle.log_level(self)
            message = "the server has been down for %.1f s, next request in %.2f s: %s"
            _log.log(level, message, lasts, self._until_probe(), outage.failure)

    def _log(self) -> None:
        """Log that an attempt has failed, and when the next one is made.

        The record has its facts as attributes too: ``tofupilot_listing``, such as ``runs``; ``tofupilot_cursor``, where
        the page begins, None for an item by itself; ``tofupilot_attempt``, from 1 on; ``tofupilot_duration`` and
        ``tofupilot_wait``, in seconds; ``tofupilot_error``, the name of the error's class; and ``tofupilot_status``,
        None without a response. It has neither the filters of the listing nor the key of the item.
        """
        error, wait = self._failure, max(self._wait, self._until_probe())
        parts = urlsplit(self._target)
        listing, *key = parts.path.removeprefix("/v2/").split("/")
        cursor = None if key else int(parse_qs(parts.query).get("cursor", ["0"])[0])
        _log.log(
            self._throttle.log_level(self),
            "%s: attempt %d failed after %.2f s, next in %.2f s: %s",
            f"one of the {listing}" if cursor is None else f"{listing} at cursor {cursor}",
            self.made,
            self._took,
            wait,
            error,
            extra={
                "tofupilot_listing": listing,
                "tofupilot_cursor": cursor,
                "tofupilot_attempt": self.made,
                "tofupilot_duration": self._took,
                "tofupilot_wait": wait,
                "tofupilot_error": type(error).__name__,
                "tofupilot_status": error.status if isinstance(error, APIError) else None,
            },
        )
