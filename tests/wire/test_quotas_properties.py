"""A header about the requests that are left is read as it was meant, or ignored."""

from string import ascii_lowercase, printable

from hypothesis import given, strategies as st
from multidict import CIMultiDict

from aiotofupilot._wire.quotas import Quota, quotas
from aiotofupilot._wire.structured import members

names = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))
keys = st.text(ascii_lowercase, min_size=1, max_size=4)
values = st.booleans() | st.integers(-(10**15) + 1, 10**15 - 1) | names
lists = st.lists(st.tuples(names, st.dictionaries(keys, values, max_size=4)), min_size=1, max_size=4)
counts = st.integers(0, 10**15 - 1)


def spelled(value):
    """Write a value as RFC 9651 has it."""
    if isinstance(value, bool):
        return f"?{value:d}"
    if isinstance(value, int):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def field(members):
    """Write a list as RFC 9651 has it."""
    return ", ".join(
        spelled(name) + "".join(f";{key}={spelled(value)}" for key, value in parameters.items())
        for name, parameters in members
    )


@given(lists)
def test_a_list_is_read_as_it_was_written(written):
    """All names and parameters are there, in order."""
    assert members(field(written)) == written


@given(st.lists(st.tuples(names, counts, st.none() | counts), min_size=1))
def test_every_quota_is_read_as_it_was_written(written):
    """Several quotas may have the same name."""
    parameters = [
        (name, {"r": remaining} | ({} if resets_in is None else {"t": resets_in}))
        for name, remaining, resets_in in written
    ]
    told = quotas(CIMultiDict({"RateLimit": field(parameters)}))
    assert told == tuple(Quota(remaining, resets_in) for _, remaining, resets_in in written)


pieces = st.lists(st.sampled_from(['"', "\\", ";", ",", "=", "r", "t", "0", "9", "-", ".", " ", ":", "?", "x", "\xe9"]))
texts = pieces.map("".join) | st.text(printable) | st.text()


@given(texts, texts, texts, texts)
def test_any_text_is_read_or_ignored(current, policy, remaining, reset):
    """Nothing is raised, and no quota is negative."""
    for headers in (
        {"RateLimit": current, "RateLimit-Policy": policy},
        {"RateLimit-Remaining": remaining, "RateLimit-Reset": reset},
    ):
        for quota in quotas(CIMultiDict(headers)):
            assert quota.remaining >= 0
            assert quota.resets_in is None or quota.resets_in >= 0


@given(st.sampled_from(['"\\', "a;", '"a";r=', '"a";r=1, ', "a;b=:", "9"]), st.integers(1, 2000))
def test_a_long_malformed_header_is_refused_in_a_moment(piece, times):
    """The time grows with the length: no text makes the patterns try one division after the other."""
    assert members(piece * times) is None
