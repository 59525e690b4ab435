"""Which request meets which fault."""

import pytest

from aiotofupilot.sandbox import Faults, Request, Sandbox
from aiotofupilot.sandbox.faults import TRANSIENT, cut, gzip, latency, reset, stall, status


@pytest.fixture
def faults():
    return Faults()


def ask(faults, *, attempt=1, asked=1, authorization=None, **query):
    return faults.decide(Request(query=query, attempt=attempt, asked=asked, authorization=authorization))


def test_nothing_goes_wrong_at_first(faults):
    """Without a rule, nothing goes wrong."""
    assert ask(faults) is None
    assert repr(faults) == "<Faults: none>"


def test_each_of_the_next_requests_meets_one_fault_in_order(faults):
    faults.next(status(503), times=2)
    faults.next(reset(), cut())
    assert faults.pending == [status(503), status(503), reset(), cut()]
    assert [ask(faults) for _ in range(5)] == [status(503), status(503), reset(), cut(), None]
    assert faults.pending == []


def test_next_several_times_over(faults):
    """A sequence is repeated as a whole."""
    faults.next(reset(), cut(), times=2)
    assert faults.pending == [reset(), cut(), reset(), cut()]


def test_every_request_meets_all_faults_of_always(faults):
    """It meets the next fault in line too."""
    faults.always(gzip())
    faults.always(latency(1))
    faults.next(cut())
    assert ask(faults) == gzip() + latency(1) + cut()
    assert ask(faults) == gzip() + latency(1)


def test_a_rule_can_be_limited_to_query_parameters(faults):
    """None means that a request must not have the parameter."""
    faults.on(cursor=100).next(reset())
    faults.on(cursor=None, limit=5).next(cut())
    assert ask(faults, cursor="50") is None
    assert ask(faults, limit="5", cursor="50") is None
    assert ask(faults, limit="5") == cut()
    assert ask(faults, cursor="100") == reset()
    assert ask(faults, cursor="100") is None


def test_a_rule_can_be_limited_by_a_function(faults):
    """Several conditions have to be met together."""
    faults.on(lambda request: request.authorization == "Bearer boom").always(status(500))
    faults.on(limit=5).on(lambda request: request.attempt == 1).always(stall(1))
    assert ask(faults, authorization="Bearer boom") == status(500)
    assert ask(faults, limit="5") == stall(1)
    assert ask(faults, limit="5", attempt=2) is None
    assert ask(faults, limit="4") is None


def test_line_waits_for_its_request(faults):
    """A fault for other requests does not hold up the line for this one."""
    faults.on(cursor=100).next(reset())
    faults.next(cut())
    assert ask(faults) == cut()
    assert ask(faults, cursor="100") == reset()


def test_randomly_at_a_rate(faults):
    """The given share of requests meets a fault. Each fault comes about as often as the others."""
    faults.randomly(reset(), cut(), rate=0.3, seed=1)
    met = [ask(faults, cursor=str(cursor)) for cursor in range(2000)]
    assert 0.27 < 1 - met.count(None) / 2000 < 0.33
    assert 0.8 < met.count(reset()) / met.count(cut()) < 1.25


@pytest.mark.parametrize(("rate", "expected"), [(0, {None}), (1, {reset()})])
def test_a_rate_of_0_picks_no_request_and_a_rate_of_1_every_request(faults, rate, expected):
    faults.randomly(reset(), rate=rate)
    assert {ask(faults, cursor=str(cursor)) for cursor in range(200)} == expected


def test_chance_depends_on_seed_question_and_how_often_it_was_asked(faults):
    """In any order of requests, the same request meets the same fault.

    With another seed or attempt it may meet another.
    """
    faults.randomly(rate=0.5, seed=1)
    other = Faults()
    other.randomly(rate=0.5, seed=2)
    cursors = [str(cursor) for cursor in range(100)]
    met = [ask(faults, cursor=cursor) for cursor in cursors]
    assert [ask(faults, cursor=cursor) for cursor in reversed(cursors)] == met[::-1]
    assert [ask(other, cursor=cursor) for cursor in cursors] != met
    assert [ask(faults, cursor=cursor, asked=2) for cursor in cursors] != met
    assert set(met) <= {None, *TRANSIENT}


def test_two_random_rules_with_one_seed_pick_different_requests(faults):
    faults.randomly(reset(), rate=0.5)
    faults.randomly(cut(), rate=0.5)
    met = {ask(faults, cursor=str(cursor)) for cursor in range(100)}
    assert met == {None, reset(), cut(), reset() + cut()}


def test_without_a_seed_chance_has_the_seed_0(faults):
    faults.randomly(rate=0.5)
    zero = Faults()
    zero.randomly(rate=0.5, seed=0)
    cursors = [str(cursor) for cursor in range(20)]
    assert [ask(faults, cursor=cursor) for cursor in cursors] == [ask(zero, cursor=cursor) for cursor in cursors]


def test_after_a_number_of_attempts_the_next_one_succeeds(faults):
    faults.randomly(reset(), rate=1, heal_after=2)
    assert [ask(faults, attempt=attempt) for attempt in (1, 2, 3)] == [reset(), reset(), None]


def test_a_request_in_line_for_a_fault_meets_only_that_one(faults):
    faults.randomly(cut(), rate=1)
    faults.next(reset())
    assert [ask(faults), ask(faults)] == [reset(), cut()]


@pytest.mark.parametrize("rate", [-0.1, 1.1])
def test_rate_out_of_bounds(faults, rate):
    """A rate is a share."""
    with pytest.raises(ValueError, match="rate must be from 0 to 1, got"):
        faults.randomly(rate=rate)


def test_after_clear_nothing_goes_wrong(faults):
    faults.next(reset())
    faults.always(cut())
    faults.randomly(rate=1)
    faults.clear()
    assert ask(faults) is None
    assert faults.pending == []


def handled(sandbox, **query):
    request = Request(query=query, authorization=f"Bearer {sandbox.api_key}")
    with sandbox.handle(request) as delivery:
        return request, delivery


def test_a_request_knows_the_fault_that_altered_its_answer():
    sandbox = Sandbox(1)
    sandbox.faults.next(reset())
    (first, lost), (second, page) = handled(sandbox), handled(sandbox)
    assert (lost.steps, page.status) == (("reset",), 200)
    assert (first.fault, second.fault) == (reset(), None)


def test_chance_inside_a_fault_is_the_same_for_the_same_request():
    """It differs between requests, and from time to time that the same request comes."""
    first, second = Sandbox(1), Sandbox(1)
    for sandbox in (first, second):
        sandbox.faults.always(latency(1, jitter=1))
    seconds = [handled(sandbox, cursor=cursor)[1].seconds for sandbox in (first, second) for cursor in "121"]
    assert seconds[:3] == seconds[3:]
    assert len(set(seconds)) == 3


def test_a_repr_shows_the_rules_as_they_were_written(faults):
    faults.next(reset(), cut())
    faults.always(latency(1))
    faults.randomly(status(500), rate=0.25)
    assert repr(faults) == "<Faults: next reset(); next cut(); always latency(1); 25% of status(500)>"
