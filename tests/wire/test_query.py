"""A query is pairs, and becomes a request target."""

from urllib.parse import parse_qsl

from hypothesis import given, strategies as st

from aiotofupilot._wire.query import request_target


def test_a_path_without_parameters_is_its_own_target():
    """No question mark follows it."""
    assert request_target("/v2/users", []) == "/v2/users"


def test_a_name_repeats_for_each_of_its_values():
    """Their order is kept."""
    pairs = [("outcomes", "FAIL"), ("limit", "50"), ("outcomes", "PASS")]
    assert request_target("/v2/runs", pairs) == "/v2/runs?outcomes=FAIL&limit=50&outcomes=PASS"


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=5))
def test_a_request_target_is_decoded_to_what_was_asked(pairs):
    """Whatever text a value holds, the server reads that text."""
    path, _, query = request_target("/v2/procedures", pairs).partition("?")
    assert path == "/v2/procedures"
    assert parse_qsl(query, strict_parsing=bool(query), keep_blank_values=True) == pairs
    assert query.isascii()
    assert not set(query) & set(" #?\r\n")
