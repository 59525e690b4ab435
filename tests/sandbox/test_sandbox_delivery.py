"""Answers as steps."""

import pytest

from aiotofupilot.sandbox.delivery import Chunk, Close, Delivery, Head, Reset, Wait

HEAD = Head(200, {"A": "1"})
PLAIN = Delivery.of(200, {"A": "1"}, b"0123456789")


def test_of():
    """An answer is a head that tells the length, and a chunk if there is a body."""
    assert PLAIN.steps == (Head(200, {"A": "1", "Content-Length": "10"}), Chunk(b"0123456789"))
    assert Delivery.of(204, {}, b"").steps == (Head(204, {"Content-Length": "0"}),)


def test_what_a_client_gets():
    """Status, headers, body and time can be read without playing the steps."""
    delivery = Delivery((Wait(1), HEAD, Chunk(b"ab"), Wait(2), Chunk(b"c")))
    assert (delivery.head, delivery.status, delivery.headers) == (HEAD, 200, {"A": "1"})
    assert (delivery.body, delivery.seconds, delivery.complete) == (b"abc", 3, True)


def test_nothing_sent():
    """Without a head there is neither a status nor a header."""
    delivery = Delivery((Wait(1), Close()))
    assert (delivery.head, delivery.status, delivery.headers) == (None, None, {})
    assert (delivery.body, delivery.complete) == (b"", False)


@pytest.mark.parametrize("end", [Close(), Reset()])
def test_end_is_last(end):
    """Nothing happens behind the end of a connection."""
    delivery = Delivery((HEAD, end, Chunk(b"x"), Wait(1)))
    assert delivery.steps == (HEAD, end)
    assert not delivery.complete


def test_before_head():
    """These are the steps before anything is sent, or all steps if nothing is sent."""
    assert Delivery((Wait(1), HEAD, Wait(2))).before_head() == (Wait(1),)
    assert Delivery((Wait(1), Reset())).before_head() == (Wait(1), Reset())


def test_with_headers():
    """Headers are set, and those that are None go; nothing sent stays nothing sent."""
    assert PLAIN.with_headers({"A": None, "B": "2"}).headers == {"B": "2", "Content-Length": "10"}
    assert PLAIN.with_headers({}).steps == PLAIN.steps
    assert Delivery((Reset(),)).with_headers({"A": "1"}) == Delivery((Reset(),))


def test_with_answer():
    """Another answer comes after the same waits."""
    assert Delivery((Wait(1), *PLAIN.steps)).with_answer(Delivery((HEAD,))).steps == (Wait(1), HEAD)


@pytest.mark.parametrize(
    ("at", "before", "after"), [(0.0, b"", b"0123456789"), (0.55, b"01234", b"56789"), (1.0, b"0123456789", b"")]
)
def test_split(at, before, after):
    """The body's bytes are parted where asked; the head goes with the first part."""
    first, second = PLAIN.split(at)
    assert (Delivery((*first, *second)).body, Delivery(first).body) == (before + after, before)
    assert first[0] == PLAIN.head
    assert all(isinstance(step, Chunk) for step in second)


def test_split_keeps_every_step():
    """Waits and ends stay on their side."""
    delivery = Delivery((Wait(1), HEAD, Chunk(b"abc"), Wait(2), Chunk(b"def"), Close()))
    assert delivery.split(0.5) == ((Wait(1), HEAD, Chunk(b"abc"), Wait(2)), (Chunk(b"def"), Close()))
    assert delivery.split(0.34) == ((Wait(1), HEAD, Chunk(b"ab")), (Chunk(b"c"), Wait(2), Chunk(b"def"), Close()))


def test_split_of_nothing():
    """Without a body there is no second part."""
    assert Delivery((HEAD,)).split(0.5) == ((HEAD,), ())
