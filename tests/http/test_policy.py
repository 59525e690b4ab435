"""A retry policy decides whether a failed request is sent again, and after how long: a function of values."""

import pytest

from aiotofupilot import APIError, BadRequestError, ConnectionFailedError, RateLimitedError, RetryPolicy, ServerError
from aiotofupilot._http.retry import decide
from aiotofupilot.errors import CertificateError, DecodeError, InvalidJSONError

UNAVAILABLE = ServerError("busy", status=503)
CONFLICT = APIError("conflict", status=409)


def wait(policy, error, attempt=1):
    """The longest wait; None: there is no other attempt."""
    decision = decide(policy, error, attempt)
    return {False: None, True: policy.longest_wait(attempt)}[decision] if isinstance(decision, bool) else decision


def test_without_rules_transient_errors_are_tried_again():
    for error, is_tried_again in [
        (UNAVAILABLE, True),
        (ServerError("slow query", status=408), True),
        (RateLimitedError("slower", status=429), True),
        (ConnectionFailedError("reset"), True),
        (InvalidJSONError("html"), True),
        (CertificateError("unknown authority"), False),
        (BadRequestError("limit", status=400), False),
        (DecodeError("no name"), False),
        (CONFLICT, False),
    ]:
        assert (wait(RetryPolicy(), error) is not None) is is_tried_again


def test_waits_double_up_to_the_longest():
    policy = RetryPolicy(attempts=9, initial_wait=1, max_wait=10)
    assert [wait(policy, UNAVAILABLE, attempt) for attempt in range(1, 7)] == [1, 2, 4, 8, 10, 10]


def test_a_rule_may_try_again_what_the_policy_would_not():
    """The wait is the policy's, or the one that the server asks for."""
    later = APIError("conflict", status=409, retry_after=7.0)
    policy = RetryPolicy(initial_wait=2, rules=[lambda error, attempt: True if error.status == 409 else None])
    assert (wait(policy, CONFLICT), wait(policy, later)) == (2, 7)
    assert wait(policy, BadRequestError("limit", status=400)) is None
    assert wait(policy, UNAVAILABLE) == 2


def test_a_rule_may_refuse_what_the_policy_would_try_again():
    policy = RetryPolicy(rules=[lambda error, attempt: False if getattr(error, "status", 0) == 500 else None])
    assert wait(policy, ServerError("broken", status=500)) is None
    assert wait(policy, UNAVAILABLE) is not None


def test_a_rule_may_say_how_long_to_wait():
    """A rule may obey a header of its own."""
    policy = RetryPolicy(max_wait=1, rules=[lambda error, attempt: 10.0 * attempt])
    assert [wait(policy, CONFLICT, attempt) for attempt in (1, 2)] == [10.0, 20.0]
    assert wait(RetryPolicy(rules=[lambda error, attempt: 0]), CONFLICT) == 0


def test_the_first_rule_that_decides_is_the_one():
    """Each is asked in its turn, with the number of the attempt that failed."""
    asked = []

    def rule(name, *, decision):
        def decide(error, attempt):
            asked.append((name, attempt))
            return decision

        return decide

    policy = RetryPolicy(
        rules=[rule("first", decision=None), rule("second", decision=7), rule("third", decision=False)]
    )
    assert wait(policy, CONFLICT, 2) == 7
    assert asked == [("first", 2), ("second", 2)]


@pytest.mark.parametrize("decision", [-1, float("nan"), "soon"])
def test_a_rule_that_returns_no_decision_is_an_error(decision):
    """It names what was returned."""
    with pytest.raises((TypeError, ValueError), match="the decision of a retry rule"):
        wait(RetryPolicy(rules=[lambda error, attempt: decision]), CONFLICT)


@pytest.mark.parametrize("rules", [None, 5, "rule", [5], [None], {1: 2}])
def test_rules_that_are_not_functions_are_refused(rules):
    with pytest.raises(TypeError, match="rules must") as caught:
        RetryPolicy(rules=rules)
    assert caught.value.parameter == "rules"


def test_a_policy_with_rules_is_a_value():
    """It compares and hashes by what it holds."""

    def rule(error, attempt):
        return None

    assert RetryPolicy(rules=[rule]) == RetryPolicy(rules=(rule,))
    assert hash(RetryPolicy(rules=[rule])) == hash(RetryPolicy(rules=(rule,)))
