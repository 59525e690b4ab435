"""Which request meets which fault."""

import pytest
from fakes.faults import TRANSIENT, cut, gzip, latency, reset, stall, status

from aiotofupilot.sandbox import Delivery, Faults, Request, Sandbox
from aiotofupilot.sandbox.faults import Fault

CURSORS = [str(cursor) for cursor in range(100)]


@pytest.fixture
def faults():
    return Faults()


def ask(faults, *, attempt=1, asked=1, authorization=None, **query):
    return faults.decide(Request(query=query, attempt=attempt, asked=asked, authorization=authorization))


def drawn(faults, **options):
    return [ask(faults, cursor=cursor, **options) for cursor in CURSORS]


def test_each_of_the_next_requests_meets_one_fault_in_order(faults):
    """A sequence is repeated as a whole. At first, and after the last one, nothing goes wrong."""
    assert (ask(faults), repr(faults)) == (None, "<Faults: none>")
    faults.next(status(503), times=2)
    faults.next(reset(), cut(), times=2)
    line = [status(503), status(503), reset(), cut(), reset(), cut()]
    assert faults.pending == line
    assert [ask(faults) for _ in range(7)] == [*line, None]
    assert faults.pending == []


def test_every_request_meets_all_faults_of_always(faults):
    """It meets the next fault in line too."""
    faults.always(gzip())
    faults.always(latency(1))
    faults.next(cut())
    assert ask(faults) == gzip() + latency(1) + cut()
    assert ask(faults) == gzip() + latency(1)


def test_a_rule_can_be_limited(faults):
    """It is limited to query parameters or by a function, and all conditions have to be met.

    None means that a request must not have the parameter. A fault for some requests does not hold up the line.
    """
    faults.on(cursor=100).next(reset())
    faults.on(cursor=None, limit=5).next(cut())
    faults.on(lambda request: request.authorization == "Bearer boom").always(status(500))
    faults.on(limit=6).on(lambda request: request.attempt == 1).always(stall(1))
    for query, fault in [
        ({"cursor": "50"}, None),
        ({"cursor": "50", "limit": "5"}, None),
        ({"limit": "5"}, cut()),
        ({"cursor": "100"}, reset()),
        ({"cursor": "100"}, None),
        ({"authorization": "Bearer boom"}, status(500)),
        ({"limit": "6"}, stall(1)),
        ({"limit": "6", "attempt": 2}, None),
        ({"limit": "4"}, None),
    ]:
        assert ask(faults, **query) == fault, query


def test_chance_depends_on_seed_question_and_how_often_it_was_asked(faults):
    """In any order of requests, the same request meets the same fault, with the seed 0 if there is none.

    The given share of requests meets a fault, and each fault comes about as often as the others.
    """
    faults.randomly(rate=0.5)
    zero, other, third = Faults(), Faults(), Faults()
    zero.randomly(rate=0.5, seed=0)
    other.randomly(rate=0.5, seed=2)
    third.randomly(reset(), cut(), rate=0.3)
    met = drawn(faults)
    assert [ask(zero, cursor=cursor) for cursor in reversed(CURSORS)] == met[::-1]
    assert drawn(other) != met
    assert drawn(faults, asked=2) != met
    assert set(met) <= {None, *TRANSIENT}
    assert 35 <= 100 - met.count(None) <= 65
    many = [ask(third, cursor=str(cursor)) for cursor in range(2000)]
    assert 250 < many.count(reset()) < 350
    assert 250 < many.count(cut()) < 350


def test_random_rules_pick_their_own_requests(faults):
    """A request in line for a fault meets only that one."""
    faults.randomly(reset(), rate=0.5)
    faults.randomly(cut(), rate=0.5)
    assert set(drawn(faults)) == {None, reset(), cut(), reset() + cut()}
    faults.next(gzip())
    assert ask(faults) == gzip()


def test_after_a_number_of_attempts_the_next_one_succeeds(faults):
    faults.randomly(reset(), rate=1, heal_after=2)
    assert [ask(faults, attempt=attempt) for attempt in (1, 2, 3)] == [reset(), reset(), None]


@pytest.mark.parametrize("rate", [-0.1, 1.1])
def test_a_rate_is_a_share(faults, rate):
    with pytest.raises(ValueError, match="rate must be from 0 to 1, got"):
        faults.randomly(rate=rate)


def test_a_repr_shows_the_rules_as_they_were_written(faults):
    """After clear, there are none."""
    faults.next(reset(), cut())
    faults.always(latency(1))
    faults.randomly(status(500), rate=0.25)
    assert repr(faults) == "<Faults: next reset(); next cut(); always latency(1); 25% of status(500)>"
    faults.clear()
    assert (ask(faults), faults.pending) == (None, [])


def test_chance_inside_a_fault_is_the_same_for_the_same_request():
    """It differs between requests, and from time to time that the same request comes."""

    pause = Fault("pause", lambda delivery, _, random: Delivery((random.random(), *delivery.steps)))

    def seconds():
        sandbox = Sandbox(1)
        sandbox.faults.always(pause)
        for cursor in "121":
            with sandbox.handle(Request(query={"cursor": cursor})) as delivery:
                yield delivery.seconds

    first = list(seconds())
    assert first == list(seconds())
    assert len(set(first)) == 3
