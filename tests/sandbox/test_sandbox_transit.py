"""Faults that lose, delay or recode an answer."""

import zlib

import pytest

from aiotofupilot.sandbox.delivery import Chunk, Close, Delivery, Head, Reset, Wait
from aiotofupilot.sandbox.faults import chunked, cut, gzip, hang_up, latency, reset, stall

PAGE = Delivery.of(200, {"Content-Type": "application/json"}, b"0123456789")
LATE = Delivery((Wait(1), *PAGE.steps))


def unzip(delivery):
    assert delivery.headers["Content-Encoding"] == "gzip"
    return zlib.decompressobj(wbits=31).decompress(delivery.body)


def test_reset(met):
    """The connection is reset before the answer, after its headers, or after half of its body."""
    assert met(reset(), LATE).steps == (Wait(1), Reset())
    assert met(reset(after="headers"), LATE).steps == (Wait(1), PAGE.head, Reset())
    assert met(reset(after="half"), LATE).steps == (Wait(1), PAGE.head, Chunk(b"01234"), Reset())


def test_hang_up(met):
    """The connection is closed without an answer."""
    assert met(hang_up(), LATE).steps == (Wait(1), Close())


def test_cut_that_was_announced_whole(met):
    """Content-Length promises the whole body, and the connection closes before it is there."""
    assert met(cut()).steps == (PAGE.head, Chunk(b"01234"), Close())
    assert met(cut(at=0)).steps == (PAGE.head, Close())
    assert met(cut(at=0.9)).body == b"012345678"


def test_cut_that_claims_to_be_all(met):
    """Content-Length is honest about the part: whole for HTTP, half a document for JSON."""
    part = met(cut(announced=False))
    assert part == Delivery.of(200, {"Content-Type": "application/json"}, b"01234")
    assert part.complete


def test_stall(met):
    """Nothing comes for a while, before the headers or inside the body. Then the rest comes."""
    assert met(stall(5)).steps == (Wait(5), *PAGE.steps)
    assert met(stall(5, inside_body=True)).steps == (PAGE.head, Chunk(b"01234"), Wait(5), Chunk(b"56789"))


def test_latency(met):
    """Jitter spreads latency evenly around its seconds, and never below 0. Only the given source of chance decides."""
    assert met(latency(0.5)).seconds == 0.5
    seconds = [met(latency(0.5, jitter=0.2), seed=seed).seconds for seed in range(200)]
    assert 0.3 <= min(seconds) < 0.32
    assert 0.68 < max(seconds) <= 0.7
    assert met(latency(0.5, jitter=0.2), seed=3).seconds == seconds[3]
    assert min(met(latency(0.1, jitter=9), seed=seed).seconds for seed in range(50)) == 0


def test_chunked(met):
    """Without a Content-Length, HTTP sends the body in chunks."""
    assert met(chunked()).headers == {"Content-Type": "application/json"}
    assert met(chunked() + cut()).steps[-1] == Close()


def test_gzip(met):
    """The body is compressed whole and the length is that of what is sent."""
    answer = met(gzip())
    assert unzip(answer) == PAGE.body
    assert answer.headers["Content-Length"] == str(len(answer.body))
    assert met(gzip()) == answer
    assert "Content-Length" not in met(chunked() + gzip()).headers


def test_gzip_keeps_the_other_steps(met):
    """Waits and ends stay where they are in the body, and what is between them can be decompressed at once."""
    answer = met(stall(5, inside_body=True) + gzip())
    assert [type(step) for step in answer.steps] == [Head, Chunk, Wait, Chunk]
    assert zlib.decompressobj(wbits=31).decompress(answer.steps[1].data) == b"01234"
    assert unzip(answer) == PAGE.body
    assert met(cut() + gzip()).headers["Content-Length"] == "10"
    assert met(cut() + gzip()).steps[-1] == Close()


@pytest.mark.parametrize("fault", [gzip(), chunked(), reset(after="half"), cut(announced=False)])
def test_nothing_to_recode(met, fault):
    """If nothing is sent, these faults change nothing."""
    assert met(fault, Delivery((Wait(1), Reset()))).steps == (Wait(1), Reset())
