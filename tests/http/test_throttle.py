"""The throttle of a session: order, the bound on requests in flight, pauses, and the gradual return.

- A 429 or a `Retry-After` pauses the whole session; then one, two, four and so on requests are in flight, in turn.
- A good response to a request from before an outage does not end it.
"""

import pytest
from fakes.transport import Throttled, is_missed

from aiotofupilot import RateLimitedError, RetryPolicy, ServerError


def too_many(retry_after=None):
    return RateLimitedError("slow down", status=429, retry_after=retry_after)


async def test_no_more_are_in_flight_than_there_are_connections(clock):
    """The others wait, in the order of their arrival, and are told how long."""
    server = Throttled(clock, limit=3)
    assert await clock.run(*(server.request(name) for name in range(10))) == list(range(10))
    assert server.most == 3
    assert [name for _, name in server.began] == list(range(10))
    assert [seconds for seconds, _ in server.began] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]
    assert server.counts.waited == 1 * 3 + 2 * 3 + 3


async def test_whoever_has_just_been_answered_queues_behind_those_who_wait(clock):
    """So it does during a gradual return, where no connection keeps it back."""
    server = Throttled(clock, answer=lambda seconds: too_many(9.0) if seconds == 1.0 else None)

    async def two():
        await server.request("first")
        await server.request("its next")

    await clock.run(server.request())
    await clock.run(two(), server.request("second"), server.request("third"))
    assert server.began[1:] == [(10, "first"), (11, "second"), (11, "third"), (12, "its next")]


@pytest.mark.parametrize("error", [too_many(7.0), ServerError("busy", status=503, retry_after=7.0)])
async def test_retry_after_holds_up_everyone(clock, error):
    """The request that met it waits, and so do later requests and those that already wait."""
    server = Throttled(clock, answer=lambda seconds: error if seconds == 1.0 else None)

    async def later(seconds):
        await clock.sleep(seconds)
        await server.request()

    results = await clock.run(server.request(), later(1.5), later(2.0), later(7.9))
    assert results == [error, None, None, None]
    assert [seconds for seconds, _ in server.began] == [0, 8.0, 9.0, 9.0]


async def test_after_a_pause_they_return_gradually(clock):
    """Each request that comes back lets two more through."""
    server = Throttled(clock, limit=16, answer=lambda seconds: too_many(9.0) if seconds == 1.0 else None)
    await clock.run(server.request())
    await clock.run(*(server.request() for _ in range(80)))
    assert [server.begun_at(seconds) for seconds in range(10, 19)] == [1, 2, 4, 8, 16, 16, 16, 16, 1]


async def test_the_return_needs_no_success(clock):
    """Errors that ask for no pause do not keep everyone else waiting behind them."""
    server = Throttled(
        clock, answer=lambda seconds: too_many(9.0) if seconds == 1.0 else ServerError("down", status=500)
    )
    await clock.run(server.request())
    await clock.run(*(server.request() for _ in range(7)))
    assert [server.begun_at(seconds) for seconds in (10, 11, 12)] == [1, 2, 4]


async def test_what_was_in_flight_when_the_pause_began_does_not_hurry_the_return(clock):
    """Its success says nothing about the server's present load."""
    answers = iter([too_many(9.0)] + [None] * 100)
    server = Throttled(clock, answer=lambda _: next(answers))
    await clock.run(*(server.request() for _ in range(16)))
    await clock.run(*(server.request() for _ in range(7)))
    assert [server.begun_at(seconds) for seconds in (10, 11, 12)] == [1, 2, 4]


async def test_a_response_to_a_request_from_before_an_outage_does_not_end_it(clock):
    """Two requests fail while a third is under way, which then succeeds: the server may only finish what it has."""
    server = Throttled(clock, answer=lambda seconds: ServerError("down", status=503) if seconds == 1.0 else None)

    async def sent_at(seconds, takes=1.0):
        await clock.sleep(seconds)
        server.takes = takes
        await server.request()

    await clock.run(server.request(), server.request(), sent_at(0.0, takes=2.0))
    assert clock.seconds == 2.0
    began = clock.now().timestamp() - 1.0
    assert server.throttle.down_since.timestamp() == began, "when the two failed"
    await clock.run(sent_at(0.0))
    assert server.throttle.down_since is None, "it was sent during the outage"
    await clock.run(*(server.request() for _ in range(7)))
    assert [server.begun_at(seconds) for seconds in (3, 4, 5)] == [2, 4, 1]


async def test_a_refusal_on_the_way_back_begins_anew(clock):
    """There is another pause, and then one request in flight."""
    refused_at = {1.0: too_many(9.0), 12.0: too_many(5.0)}
    server = Throttled(clock, answer=refused_at.get)
    await clock.run(server.request())
    await clock.run(*(server.request() for _ in range(10)))
    assert [server.begun_at(seconds) for seconds in (10, 11, 17, 18, 19)] == [1, 2, 1, 2, 4]


async def test_of_several_pauses_the_latest_end_counts(clock):
    """Sixteen requests that are refused at once count as one refusal."""
    asked = iter([2.0, 9.0, 4.0])
    server = Throttled(clock, answer=lambda seconds: too_many(next(asked)) if seconds == 1.0 else None)
    await clock.run(*(server.request() for _ in range(3)))
    assert server.throttle.rest() == 9.0
    await clock.run(*(server.request() for _ in range(7)))
    assert [server.begun_at(seconds) for seconds in (10, 11, 12)] == [1, 2, 4]


async def test_a_volley_of_429s_that_say_nothing_is_one(clock):
    """It does not count sixteenfold."""
    server = Throttled(clock, answer=lambda _: too_many())
    await clock.run(*(server.request() for _ in range(16)))
    assert server.throttle.rest() == 1.0


async def test_nobody_waits_for_one_who_asks_for_too_long(clock):
    """Everyone gets the error at once instead."""
    server = Throttled(clock, answer=lambda _: too_many(3600.0))
    await clock.run(server.request(policy=RetryPolicy(max_retry_after=3599.0)))
    assert server.throttle.rest() == 0.0
    await clock.run(server.request(policy=RetryPolicy(max_retry_after=3600.0)))
    assert server.throttle.rest() == 3600.0


async def test_a_slot_that_comes_too_late_is_given_up_in_time(clock):
    """The request waits until then and no longer, and is not sent."""
    server = Throttled(clock, limit=1, takes=5.0)
    results = await clock.run(server.request("slow"), server.request("late", until=3.0), server.request("next"))
    assert is_missed(results[1])
    assert server.began == [(0, "slow"), (5.0, "next")]
    assert server.counts.waited == 3.0 + 5.0
    (missed,) = await clock.run(server.request("later still", until=clock.seconds))
    assert is_missed(missed)


async def test_a_slot_in_time_is_taken(clock):
    """The moment itself is too late."""
    server = Throttled(clock, limit=1, takes=5.0)
    await clock.run(server.request("slow"), server.request("in time", until=5.5))
    assert server.began == [(0, "slow"), (5.0, "in time")]


async def test_a_pause_that_outlasts_the_wait_is_not_waited_for(clock):
    """The pause may begin while the request is queued."""
    server = Throttled(clock, limit=1, answer=lambda seconds: too_many(50.0) if seconds == 1.0 else None)
    results = await clock.run(server.request("refused"), server.request("late", until=10.0))
    assert is_missed(results[1])
    assert clock.seconds == 1.0


async def test_retry_after_zero_is_not_a_wait_but_a_gradual_return(clock):
    """So is a date that has passed."""
    server = Throttled(clock, answer=lambda seconds: too_many(0.0) if seconds == 1.0 else None)
    await clock.run(server.request())
    await clock.run(*(server.request() for _ in range(3)))
    assert [server.begun_at(seconds) for seconds in (1, 2)] == [1, 2]
