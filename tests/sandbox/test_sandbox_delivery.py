"""Answers as steps."""

import pytest

from aiotofupilot.sandbox.request import Delivery, Head

HEAD = Head(200, {"A": "1"})
PLAIN = Delivery.of(200, {"A": "1"}, b"0123456789")


def test_a_whole_answer_is_a_head_with_its_length_and_a_chunk():
    """Without a body there is no chunk."""
    assert PLAIN.steps == (Head(200, {"A": "1", "Content-Length": "10"}), b"0123456789")
    assert Delivery.of(204, {}, b"").steps == (Head(204, {"Content-Length": "0"}),)


def test_what_a_client_gets():
    """Status, headers, body and time can be read without playing the steps."""
    delivery = Delivery((1, HEAD, b"ab", 2, b"c"))
    assert (delivery.head, delivery.status, delivery.headers) == (HEAD, 200, {"A": "1"})
    assert (delivery.body, delivery.seconds, delivery.complete) == (b"abc", 3, True)


def test_without_a_head_there_is_neither_a_status_nor_a_header():
    delivery = Delivery((1, "close"))
    assert (delivery.head, delivery.status, delivery.headers) == (None, None, {})
    assert (delivery.body, delivery.complete) == (b"", False)


@pytest.mark.parametrize("end", ["close", "reset"])
def test_nothing_happens_after_the_end_of_a_connection(end):
    delivery = Delivery((HEAD, end, b"x", 1))
    assert delivery.steps == (HEAD, end)
    assert not delivery.complete


def test_headers_are_set_or_removed():
    """If nothing is sent, nothing changes."""
    assert PLAIN.with_headers({"A": None, "B": "2"}).headers == {"B": "2", "Content-Length": "10"}
    assert PLAIN.with_headers({}).steps == PLAIN.steps
    assert Delivery(("reset",)).with_headers({"A": "1"}) == Delivery(("reset",))


def test_another_answer_comes_after_the_same_waits():
    """If nothing is sent, nothing changes."""
    assert Delivery((1, *PLAIN.steps)).with_response(Delivery((HEAD,))).steps == (1, HEAD)
    assert Delivery((1, "reset")).with_response(PLAIN).steps == (1, "reset")


@pytest.mark.parametrize(
    ("at", "before", "after"), [(0.0, b"", b"0123456789"), (0.55, b"01234", b"56789"), (1.0, b"0123456789", b"")]
)
def test_a_delivery_is_split_in_its_body(at, before, after):
    """The head is in the first part."""
    first, second = PLAIN.split(at)
    assert (Delivery((*first, *second)).body, Delivery(first).body) == (before + after, before)
    assert first[0] == PLAIN.head
    assert all(isinstance(step, bytes) for step in second)


def test_split_keeps_every_step():
    """Waits and ends stay on their side."""
    delivery = Delivery((1, HEAD, b"abc", 2, b"def", "close"))
    assert delivery.split(0.5) == ((1, HEAD, b"abc", 2), (b"def", "close"))
    assert delivery.split(0.34) == ((1, HEAD, b"ab"), (b"c", 2, b"def", "close"))


def test_without_a_body_there_is_no_second_part():
    assert Delivery((HEAD,)).split(0.5) == ((HEAD,), ())
