"""Faults that send too much."""

import gzip

from aiotofupilot.sandbox.faults import gzip_bomb, header_flood, oversized

MIB = 1024 * 1024


def test_a_few_bytes_become_many(met):
    answer = met(gzip_bomb(2 * MIB + 1))
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.body) < 10_000
    assert gzip.decompress(answer.body) == b" " * (3 * MIB)


def test_many_spaces_after_an_answer_take_no_memory(met):
    """They may be announced or not."""
    answer = met(oversized(2 * MIB))
    assert answer.body == b"0123456789" + b" " * (2 * MIB)
    assert answer.headers["Content-Length"] == str(10 + 2 * MIB)
    assert "Content-Length" not in met(oversized(MIB, announced=False)).headers
    assert len({id(step.data) for step in met(oversized()).steps[2:]}) == 1


def test_many_more_headers_leave_the_answer_as_it_is(met):
    answer = met(header_flood(50, size=10))
    assert answer.body == b"0123456789"
    assert len(answer.headers) == 52
    assert answer.headers["X-Flood-49"] == "x" * 10
