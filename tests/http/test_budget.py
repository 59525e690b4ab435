"""The retry budget: what it lets through, and what it gets back."""

from hypothesis import given, strategies as st

from aiotofupilot._http.budget import RetryBudget


def emptied():
    budget = RetryBudget()
    while budget.take():
        pass
    return budget


def test_a_full_budget_is_less_than_half_of_64():
    """So 64 walks that meet an outage send less than one and a half times as many requests."""
    budget = RetryBudget()
    taken = 0
    while budget.take():
        taken += 1
    assert taken == 30
    assert (64 + taken) / 64 < 1.5


def test_an_empty_budget_stays_empty_without_a_success():
    budget = emptied()
    assert not any(budget.take() for _ in range(100))
    assert budget.tokens == 0.0


def test_four_successes_earn_a_retry():
    budget = emptied()
    for _ in range(3):
        budget.give_back(0)
        assert not budget.take()
    budget.give_back(0)
    assert budget.tokens == 1.0
    assert budget.take()


def test_a_success_gives_back_what_was_taken_for_it():
    """Retries that help cost nothing in the long run."""
    budget = RetryBudget()
    for _ in range(5):
        budget.take()
    budget.give_back(5)
    assert budget.tokens == RetryBudget.CAPACITY


def test_a_token_that_was_not_used_can_be_put_back():
    """That is no success, which would add a quarter."""
    budget = RetryBudget()
    budget.take()
    budget.put_back()
    assert budget.tokens == RetryBudget.CAPACITY


@given(st.lists(st.integers(0, 6) | st.none()))
def test_a_budget_is_never_overdrawn_nor_overfilled(events):
    """In the examples, None is a retry that failed."""
    budget = RetryBudget()
    for event in events:
        if event is None:
            budget.take()
        else:
            budget.give_back(sum(budget.take() for _ in range(event)))
        assert 0.0 <= budget.tokens <= RetryBudget.CAPACITY
