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


def test_a_reset_comes_before_the_answer_after_its_headers_or_in_its_body(met):
    assert met(reset(), LATE).steps == (Wait(1), Reset())
    assert met(reset(after="headers"), LATE).steps == (Wait(1), PAGE.head, Reset())
    assert met(reset(after="half"), LATE).steps == (Wait(1), PAGE.head, Chunk(b"01234"), Reset())


def test_a_hang_up_closes_the_connection_without_an_answer(met):
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


def test_a_stall_sends_nothing_for_a_while_and_then_the_rest(met):
    """It is before the headers or inside the body."""
    assert met(stall(5)).steps == (Wait(5), *PAGE.steps)
    assert met(stall(5, inside_body=True)).steps == (PAGE.head, Chunk(b"01234"), Wait(5), Chunk(b"56789"))


def test_jitter_spreads_latency_evenly_around_its_seconds(met):
    """Latency is never below 0. Only the given source of chance decides."""
    assert met(latency(0.5)).seconds == 0.5
    seconds = [met(latency(0.5, jitter=0.2), seed=seed).seconds for seed in range(200)]
    assert 0.3 <= min(seconds) < 0.32
    assert 0.68 < max(seconds) <= 0.7
    assert met(latency(0.5, jitter=0.2), seed=3).seconds == seconds[3]
    assert min(met(latency(0.1, jitter=9), seed=seed).seconds for seed in range(50)) == 0


def test_without_a_content_length_http_sends_the_body_in_chunks(met):
    assert met(chunked()).headers == {"Content-Type": "application/json"}
    assert met(chunked() + cut()).steps[-1] == Close()


def test_a_compressed_body_has_its_own_length(met):
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
def test_if_nothing_is_sent_these_faults_change_nothing(met, fault):
    assert met(fault, Delivery((Wait(1), Reset()))).steps == (Wait(1), Reset())
