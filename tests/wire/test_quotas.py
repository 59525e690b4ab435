"""How many requests are left according to the headers."""

import pytest
from multidict import CIMultiDict

from aiotofupilot._wire.quotas import Quota, quotas
from aiotofupilot._wire.structured import members


def told(**headers):
    """Return the quotas that headers tell of; names with underscores for hyphens."""
    return quotas(CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()}))


@pytest.mark.parametrize(
    ("field", "quotas"),
    [
        ('"default";r=0;t=12', [Quota(0, 12)]),
        ('"default";r=50', [Quota(50, None)]),
        ('"100-in-15min"; r=99; t=900', [Quota(99, 900)]),
        ('"second";r=4;t=1, "day";r=0;t=3600', [Quota(4, 1), Quota(0, 3600)]),
        ('"second";r=4;t=1\t, \t"day";r=7', [Quota(4, 1), Quota(7, None)]),
        ('"a, b;r=9";r=1;t=2', [Quota(1, 2)]),
        (r'"a\"b\\";r=1', [Quota(1, None)]),
        ("default;r=3;t=4", [Quota(3, 4)]),
        ('"default";pk=:dXNlcg==:;r=3;later;x=?1', [Quota(3, None)]),
        ('"default";r=3;r=2', [Quota(2, None)]),
        ('"soon";t=4, "default";r=3', [Quota(3, None)]),
        ('"default";r=3;t=-4', [Quota(3, None)]),
        ('"default";r=3;t=4.5', [Quota(3, None)]),
        ('"default";r=3;t', [Quota(3, None)]),
        ('"default";r=3;t=999999999999999', [Quota(3, 999999999999999)]),
    ],
)
def test_a_member_of_the_current_header_is_a_quota(field, quotas):
    """Its parameters may be in any order. Unknown ones are ignored, and so are those that make no sense."""
    assert told(RateLimit=field) == tuple(quotas)


@pytest.mark.parametrize(
    "field",
    [
        "",
        " ",
        ",",
        "0",
        "?1",
        '"default"',
        '"default";r',
        '"default";r=-1',
        '"default";r=1.5',
        '"default";r="1"',
        '"default";r=?1',
        '"default";r=1,',
        '"default";r=1;',
        '"default";r=1 t=2',
        '"default";R=1',
        '"default";r = 1',
        '"default";r=1234567890123456',
        '"default;r=1',
        '"def\\ault";r=1',
        '"défault";r=1',
        '("default");r=1',
        "limit=100, remaining=0, reset=12",
        '"default";r=0;t=12, 7',
    ],
)
def test_a_malformed_header_tells_of_no_quota(field):
    """A header that is malformed in part is ignored as a whole."""
    assert told(RateLimit=field) == ()


def test_a_quota_of_something_else_than_requests_is_left_out():
    """The policy of the same name says what is counted."""
    field = '"requests";r=1, "bytes";r=0;t=60, "unknown";r=2'
    policy = '"requests";q=10;w=1;qu="requests", "bytes";q=65535;qu="content-bytes";w=60'
    assert told(RateLimit=field, RateLimit_Policy=policy) == (Quota(1, None), Quota(2, None))
    assert told(RateLimit=field, RateLimit_Policy="?") == (Quota(1, None), Quota(0, 60), Quota(2, None))


def test_a_header_may_have_several_lines():
    """Each proxy on the way may add its own."""
    lines = CIMultiDict([("RateLimit", '"a";r=1'), ("X", "y"), ("ratelimit", '"b";r=2;t=3')])
    assert quotas(lines) == (Quota(1, None), Quota(2, 3))


@pytest.mark.parametrize(
    ("remaining", "reset", "quotas"),
    [
        ("0", "12", [Quota(0, 12)]),
        (" 5 ", "", [Quota(5, None)]),
        ("5", "soon", [Quota(5, None)]),
        ("5", "1766000000", [Quota(5, 1766000000)]),
        ("-1", "12", []),
        ("1.5", "12", []),
        ("", "12", []),
        ("٣", "12", []),
    ],
)
def test_the_headers_of_earlier_drafts_are_read_too(remaining, reset, quotas):
    """They have one quota."""
    assert told(RateLimit_Remaining=remaining, RateLimit_Reset=reset) == tuple(quotas)


def test_the_current_header_counts_more_than_the_earlier_ones():
    """Some proxies send both."""
    assert told(RateLimit='"default";r=7;t=3', RateLimit_Remaining="0") == (Quota(7, 3),)


def test_without_these_headers_there_is_no_quota():
    """A policy or a limit alone does not say what is left."""
    assert told() == told(RateLimit_Policy='"default";q=1;w=1') == told(RateLimit_Limit="9", RateLimit_Reset="1") == ()


def test_parameters_have_their_types():
    field = 'a;n=-12;d=1.250;s="x\\"y";t=tok/en:*;b=:aGk=:;yes=?1;no=?0;bare'
    parameters = {"n": -12, "d": 1.25, "s": 'x"y', "t": "tok/en:*", "b": ":aGk=:", "yes": True, "no": False}
    assert members(field) == [("a", {**parameters, "bare": True})]
