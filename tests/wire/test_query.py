"""A query is pairs, and is sent percent-encoded."""

from urllib.parse import parse_qsl

from hypothesis import given, strategies as st

from aiotofupilot._wire.query import encoded


def test_a_name_repeats_for_each_of_its_values():
    """Their order is kept."""
    pairs = (("outcomes", "FAIL"), ("limit", "50"), ("outcomes", "PASS"))
    assert encoded(pairs) == "outcomes=FAIL&limit=50&outcomes=PASS"


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=5))
def test_a_query_is_decoded_to_what_was_asked(pairs):
    query = encoded(tuple(pairs))
    assert parse_qsl(query, strict_parsing=bool(query), keep_blank_values=True) == pairs
    assert query.isascii()
    assert not set(query) & set(" #?\r\n")
