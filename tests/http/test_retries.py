"""Which requests get another attempt, and after how long. Nothing sleeps, because the clock is a fake.

- Waits are exponential with full jitter; `Retry-After` may be seconds, or a date by the server's own clock.
- A `Retry-After` longer than `max_retry_after` is an error at once, and no other request waits for it.
- Your own tenacity controller is used unchanged; one that would make up a page is refused.
- No retry begins after `max_elapsed`.
"""

import asyncio
import logging
import math
from copy import copy

import pytest
from fakes.transport import Transport
from tenacity import AsyncRetrying, RetryError, retry_if_result, stop_after_attempt, wait_fixed

from aiotofupilot import RetryPolicy, TofuPilotSession, errors
from aiotofupilot.stats import RequestCounts


def down():
    return errors.ServerError("down", status=503)


def broken():
    return errors.ServerError("broken", status=500)


CONFLICT = errors.APIError("conflict", status=409)
TRANSIENT = [
    errors.ServerError("m", status=500),
    errors.ServerError("m", status=408),
    errors.RateLimitedError("m", status=429),
    errors.ConnectionFailedError("m"),
    errors.RequestTimeoutError("m", timeout=30.0),
    errors.InvalidJSONError("m"),
]
FINAL = [
    errors.BadRequestError("m", status=400),
    errors.UnauthorizedError("m", status=401),
    errors.APIError("m", status=418),
    errors.CertificateError("m"),
    errors.RedirectError("m", location="/"),
    errors.ResponseTooLargeError("m", limit=1),
    errors.DecodeError("m"),
    errors.AttachmentError("m"),
    errors.PaginationError("m", cursor=1, next_cursor=1),
    errors.SessionError("m"),
    ValueError("m"),
]


def named(error):
    return type(error).__name__ + str(getattr(error, "status", ""))


class Page:
    """A request that gets these answers one after the other, and then the last one again and again."""

    def __init__(self, *answers, takes=0.0, clock=None):
        self.answers = list(answers)
        self.takes, self.clock = takes, clock
        self.sent = 0

    async def __call__(self):
        self.sent += 1
        if self.takes:
            await self.clock.sleep(self.takes)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def stats():
    return RequestCounts()


class Session(Transport):
    """Asks for pages as a session does, but sends nothing: a page answers for itself."""

    async def ask(self, page, retry, stats):
        asked = copy(self)
        asked.page = page
        return await super(Session, asked).ask("/v2/runs?limit=100&cursor=200", retry, stats, cursor=200)

    async def get(self, url, max_body):
        return self.response(await self.page())


@pytest.fixture
def session(clock):
    return Session(clock)


@pytest.fixture
def run(clock, session, stats):
    """Returns the result of one page under a policy."""

    async def run(page, retry=RetryPolicy()):  # noqa: B008 - a value
        (result,) = await clock.run(session.ask(page, retry, stats))
        return result

    return run


@pytest.mark.parametrize("error", TRANSIENT, ids=named)
async def test_what_may_pass_is_tried_again(run, stats, error):
    """5xx, 408, 429, a lost connection, a timeout, a success that is no JSON."""
    assert await run(Page(error, error, "page")) == "page"
    assert (stats.requests, stats.retries) == (3, 2)


@pytest.mark.parametrize("error", FINAL, ids=named)
async def test_what_will_not_pass_is_raised_at_once(run, stats, error):
    """Another attempt would meet the same."""
    assert await run(Page(error)) is error
    assert (stats.requests, stats.retries) == (1, 0)


@pytest.mark.parametrize("rules", [(), [lambda error, attempt: True], [lambda error, attempt: 2.0]])
async def test_the_last_error_is_raised_and_knows_how_many_attempts_there_were(run, stats, rules):
    """There are as many as the policy says, including the first. No rule makes more."""
    faults = [errors.ServerError(str(number), status=500) for number in range(4)]
    error = await run(Page(*faults, "page"), RetryPolicy(attempts=4, rules=rules))
    assert error is faults[-1]
    assert error.attempts == stats.requests == 4
    assert stats.retries == 3


async def test_what_cannot_be_sent_is_not_tried_again(run, stats):
    """No rule is asked about it, neither the first time nor after others."""
    policy = RetryPolicy(rules=[lambda error, attempt: True])
    error = await run(Page(errors.ConfigurationError("m")), policy)
    assert error.attempts == stats.requests == 1
    error = await run(Page(down(), down(), errors.ConfigurationError("m")), policy)
    assert error.attempts == 3


@pytest.mark.parametrize(
    ("rules", "error", "waits"),
    [
        ([lambda error, attempt: True], CONFLICT, [2.0, 4.0]),
        ([lambda error, attempt: True], errors.APIError("conflict", status=409, retry_after=7.0), [7.0, 7.0]),
        ([lambda error, attempt: None], CONFLICT, None),
        ([lambda error, attempt: None], broken(), [2.0, 4.0]),
        ([lambda error, attempt: False], broken(), None),
        ([lambda error, attempt: 10.0 * attempt], CONFLICT, [10.0, 20.0]),
        ([lambda error, attempt: 0], CONFLICT, []),
        ([lambda error, attempt: None, lambda error, attempt: 7, lambda error, attempt: False], CONFLICT, [7.0, 7.0]),
    ],
)
async def test_the_first_rule_that_decides_says_whether_and_after_how_long(run, clock, rules, error, waits):
    """If it only says that there is another attempt, the wait is the server's or the policy's."""
    policy = RetryPolicy(initial_wait=2, max_wait=5, rules=rules)
    assert await run(Page(error, error, "page"), policy) == (error if waits is None else "page")
    assert clock.slept == (waits or [])


@pytest.mark.parametrize("decision", [-1, float("nan"), "soon"])
async def test_a_rule_that_returns_no_decision_is_an_error(run, decision):
    """It names what was returned."""
    error = await run(Page(CONFLICT), RetryPolicy(rules=[lambda error, attempt: decision]))
    assert isinstance(error, TypeError | ValueError)
    assert "the decision of a retry rule" in str(error)


@pytest.mark.parametrize("rules", [None, 5, "rule", [5], [None], {1: 2}])
def test_rules_that_are_not_functions_are_refused(rules):
    with pytest.raises(TypeError, match="rules must") as caught:
        RetryPolicy(rules=rules)
    assert caught.value.parameter == "rules"


@pytest.mark.parametrize("retry", [None, RetryPolicy(attempts=1), RetryPolicy(max_elapsed=0)])
async def test_retries_can_be_done_without(run, stats, retry):
    """There is one attempt, and its error is raised."""
    error = down()
    assert await run(Page(error, "page"), retry) is error
    assert error.attempts == stats.requests == 1


async def test_waits_double_up_to_the_longest_and_are_drawn_from_zero_on(run, clock, stats):
    """This is exponential backoff with full jitter."""
    clock.chance = 0.75
    await run(Page(broken()), RetryPolicy(attempts=8, initial_wait=0.5, max_wait=10.0))
    assert clock.drawn[:7] == [(0.0, high) for high in (0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0)]
    assert clock.slept == [0.375, 0.75, 1.5, 3.0, 6.0, 7.5, 7.5]
    assert stats.waited == sum(clock.slept)


async def test_the_exponent_of_a_wait_does_not_overflow(run, clock):
    clock.chance = 0.0
    await run(Page(broken()), RetryPolicy(attempts=1100, initial_wait=0.5, max_wait=10.0))
    assert {*clock.drawn[5:]} == {(0.0, 10.0)}
    assert len(clock.drawn) > 1030


async def test_no_attempt_begins_after_the_time_is_up(run, clock, stats):
    """Counted from the first failure on, the wait before the next included."""
    page = Page(down(), takes=4.0, clock=clock)
    assert (
        await run(page, RetryPolicy(attempts=100, max_elapsed=11.0, initial_wait=1.0, max_wait=1.0)) is page.answers[0]
    )
    assert stats.requests == 3  # at 0, 5 and 10 seconds; the fourth would be at 15
    assert clock.seconds == 14.0


async def test_no_attempt_begins_late_because_it_waited_for_a_connection(clock, stats):
    """The last error is raised when the time is up."""
    session = Session(clock, asyncio.Semaphore(1))
    failing = Page(broken(), "page")
    slow = Page("slow", takes=3.6, clock=clock)

    async def timed():
        try:
            await session.ask(failing, RetryPolicy(max_elapsed=1.0, initial_wait=0.1), stats)
        except errors.ServerError as error:
            return clock.seconds, error.attempts

    results = await clock.run(timed(), session.ask(slow, RetryPolicy(), stats))
    assert results == [(1.0, 1), "slow"]
    assert failing.sent == 1
    assert stats.requests == 2


@pytest.mark.parametrize("error", [errors.RateLimitedError, errors.ServerError])
async def test_retry_after_is_the_wait(run, clock, error):
    """Nothing is drawn at random. A date in the past leaves the wait to the policy."""
    assert await run(Page(error("m", status=503, retry_after=7.25), "page")) == "page"
    assert clock.slept[0] == 7.25
    assert clock.drawn == []
    assert await run(Page(errors.RateLimitedError("m", status=429, retry_after=0.0), "page")) == "page"
    assert clock.drawn == [(0.0, 0.5)]


async def test_a_longer_retry_after_than_the_policy_obeys_is_raised_at_once(run, clock, stats):
    """The error has the value."""
    error = await run(Page(errors.RateLimitedError("m", status=429, retry_after=60.5), "page"))
    assert error.retry_after == 60.5
    assert (clock.seconds, stats.requests) == (0.0, 1)
    assert (
        await run(
            Page(errors.RateLimitedError("m", status=429, retry_after=60.5), "page"), RetryPolicy(max_retry_after=61.0)
        )
        == "page"
    )


async def test_the_first_failure_is_one_warning(run, clock, caplog):
    """Repeats are at INFO. The facts are fields too, for handlers that write JSON."""
    caplog.set_level(logging.DEBUG)
    await run(Page(broken(), errors.InvalidJSONError("html"), "page", takes=0.25, clock=clock))
    assert [(record.name, record.levelname, record.getMessage()) for record in caplog.records] == [
        ("aiotofupilot", "WARNING", "runs at cursor 200: attempt 1 failed after 0.25 s, next in 0.50 s: 500: broken"),
        ("aiotofupilot", "INFO", "runs at cursor 200: attempt 2 failed after 0.25 s, next in 1.00 s: html"),
    ]
    fields = [
        {name: value for name, value in vars(record).items() if name.startswith("tofupilot_")}
        for record in caplog.records
    ]
    page = {"tofupilot_listing": "runs", "tofupilot_cursor": 200, "tofupilot_duration": 0.25}
    names = ("tofupilot_attempt", "tofupilot_wait", "tofupilot_error", "tofupilot_status")
    assert fields == [
        page | dict(zip(names, values, strict=True))
        for values in ((1, 0.5, "ServerError", 500), (2, 1.0, "InvalidJSONError", None))
    ]


async def test_a_controller_of_the_users_own_is_taken_as_it_is(run, clock, stats):
    """Its waits, its end, its error, and every callback it has."""
    called = []
    names = ("before", "after", "before_sleep")
    callbacks = {name: lambda state, name=name: called.append((name, state.attempt_number)) for name in names}
    controller = AsyncRetrying(sleep=clock.sleep, stop=stop_after_attempt(3), wait=wait_fixed(2.5), **callbacks)
    error = await run(Page(errors.UnauthorizedError("m", status=401)), controller)
    assert isinstance(error, RetryError)
    assert isinstance(error.last_attempt.exception(), errors.UnauthorizedError)
    assert clock.slept == [2.5, 2.5]
    assert called == [(name, attempt) for attempt in (1, 2, 3) for name in names][:-1]
    assert (stats.requests, stats.retries, stats.waited) == (3, 2, 5.0)


async def test_a_controller_may_reraise_or_judge_results(run, clock):
    """All features of tenacity can be used."""
    error = await run(Page(down()), AsyncRetrying(sleep=clock.sleep, stop=stop_after_attempt(2), reraise=True))
    assert isinstance(error, errors.ServerError)
    assert error.attempts == 2
    empty = retry_if_result(lambda page: page == "empty")
    assert await run(Page("empty", "page"), AsyncRetrying(sleep=clock.sleep, retry=empty)) == "page"


@pytest.mark.parametrize("condition", ["sync", "async"])
@pytest.mark.parametrize("end", ["cancelled", "closed"])
async def test_a_controller_does_not_outlive_its_end(session, stats, condition, end):
    """A condition that names the errors at which it gives up would try again after these."""
    asked = []

    def judge(state):
        asked.append(state.outcome.exception())
        return True

    async def judge_slowly(state):
        await asyncio.sleep(0)
        return judge(state)

    hangs = asyncio.Event()

    class Hanging(Page):
        async def __call__(self):
            if self.sent:
                self.sent += 1
                hangs.set()
                await asyncio.Event().wait()
            return await super().__call__()

    page = Hanging(down())
    controller = AsyncRetrying(retry=judge if condition == "sync" else judge_slowly, stop=stop_after_attempt(9))
    task = asyncio.create_task(session.ask(page, controller, stats))
    await hangs.wait()
    if end == "cancelled":
        task.cancel()
    else:
        await session.lifetime.close()

    await asyncio.wait([task])
    assert task.cancelled() if end == "cancelled" else isinstance(task.exception(), errors.SessionError)
    assert [type(error) for error in asked] == [errors.ServerError]
    assert page.sent == 2


def test_a_controller_cannot_make_up_a_response():
    """Nothing can replace a page, and a later error would not say where the replacement came from."""
    with pytest.raises(TypeError, match=r"^retry must not have a retry_error_callback, ") as caught:
        TofuPilotSession("key", retry=AsyncRetrying(retry_error_callback=lambda _: None))
    assert caught.value.parameter == "retry"


def test_an_option_out_of_bounds_is_named():
    """The policy raises the error, and not the first failure."""
    for option, value, error in [
        ("attempts", 0, ValueError),
        ("attempts", 1.5, TypeError),
        ("attempts", True, TypeError),
        ("max_elapsed", -1, ValueError),
        ("max_elapsed", "1", TypeError),
        ("initial_wait", math.nan, ValueError),
        ("max_wait", math.inf, ValueError),
        ("max_wait", 10**400, ValueError),  # larger than any float
        ("max_retry_after", None, TypeError),
    ]:
        with pytest.raises(error, match=f"^{option} must be "):
            RetryPolicy(**{option: value})


def test_a_policy_is_a_value():
    """It can be compared, hashed and used as a default."""
    assert RetryPolicy() == RetryPolicy(
        attempts=6, max_elapsed=120.0, initial_wait=0.5, max_wait=30.0, max_retry_after=60.0
    )
    assert hash(RetryPolicy()) == hash(RetryPolicy())
    assert RetryPolicy(rules=[down]) == RetryPolicy(rules=(down,))
    assert hash(RetryPolicy(rules=[down])) == hash(RetryPolicy(rules=(down,)))
    with pytest.raises(AttributeError):
        RetryPolicy().attempts = 7
