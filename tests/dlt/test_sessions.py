"""One session for all resources that are extracted at the same time."""

import asyncio

import pytest
from fakes.proxies import AUTHORITY, Proxy, with_tls

from aiotofupilot import ConfigurationError, SessionError
from aiotofupilot.dlt import mirror, tofupilot
from aiotofupilot.dlt.source import Sessions
from aiotofupilot.sandbox import Sandbox

SESSIONS = {"api_key": "key", "base_url": "https://tofupilot.example"}


async def test_whoever_comes_meanwhile_gets_the_same_session():
    sessions = Sessions(**SESSIONS)
    async with sessions.session() as first, sessions.session() as second:
        assert first is second


async def test_the_last_one_closes_it():
    """The first one to leave closes nothing, and whoever comes after the last one gets a new session."""
    sessions = Sessions(**SESSIONS)
    async with sessions.session() as first:
        async with sessions.session():
            pass
        assert "open" in repr(first)
    assert "closed" in repr(first)
    async with sessions.session() as second:
        assert second is not first


async def test_it_is_closed_where_its_user_fails():
    sessions = Sessions(**SESSIONS)
    with pytest.raises(SessionError):
        async with sessions.session() as session:
            raise SessionError
    assert "closed" in repr(session)


async def test_a_session_that_cannot_be_made_has_no_users():
    sessions = Sessions(api_key="", base_url="https://tofupilot.example")
    for _ in range(2):
        with pytest.raises(ConfigurationError):
            async with sessions.session():
                pytest.fail("there is a session")


async def test_each_session_has_a_limiter_of_its_own():
    """A limiter belongs to one event loop, and dlt makes several."""
    made = []

    def make():
        made.append(asyncio.Semaphore(1))
        return made[-1]

    sessions = Sessions(make_limiter=make, **SESSIONS)
    assert not made
    async with sessions.session(), sessions.session():
        assert len(made) == 1
    async with sessions.session():
        assert len(made) == 2


def test_a_limiter_in_the_place_of_what_makes_one_is_refused():
    with pytest.raises(TypeError, match=r"make_limiter must be a function that returns a limiter, or None, got <.*Sem"):
        Sessions(make_limiter=asyncio.Semaphore(1), **SESSIONS)


async def test_what_is_made_has_to_be_a_limiter():
    with pytest.raises(TypeError, match="limiter must be an async context manager or None, got 10"):
        async with Sessions(make_limiter=lambda: 10, **SESSIONS).session():
            pytest.fail("there is a session")


async def test_a_generator_that_is_closed_twice_is_not_reported(caplog):
    """Where an extraction fails, dlt closes all generators at once. Whatever else the loop reports is reported."""
    async with Sessions(**SESSIONS).session():
        report = asyncio.get_running_loop().call_exception_handler
        report({"message": "closed twice", "asyncgen": None, "exception": RuntimeError("already running")})
        report({"message": "not closed", "asyncgen": None, "exception": OSError("disk")})
        report({"message": "another one", "exception": RuntimeError("already running")})
    assert [record.message.splitlines()[0] for record in caplog.records] == ["not closed", "another one"]


@pytest.mark.parametrize("source", ["mirror", "tofupilot"])
async def test_a_mirror_and_a_source_go_through_a_proxy(tmp_path, source):
    """Each of them takes what a session takes."""

    def run(**options):
        if source == "mirror":
            return [brought.rows for brought in mirror(tmp_path / "line.duckdb", listings=["stations"], **options)]
        rows = list(tofupilot(listings=["stations"], **options).resources["stations"])
        return [sum(batch.num_rows for batch in rows)]

    async with Sandbox(30) as sandbox, with_tls(int(sandbox.url.split(":")[2].split("/")[0])) as port:
        async with Proxy(port, login="user:of-the-proxy") as proxy:
            found = await asyncio.to_thread(
                run,
                api_key=sandbox.api_key,
                base_url="https://tofu.example.com",
                proxy=proxy.url.replace("//", "//user:of-the-proxy@"),
                ca_cert=AUTHORITY.cert_pem.bytes().decode(),
            )
        assert found == [len(sandbox.stations)]
        assert set(proxy.lines) == {"CONNECT tofu.example.com:443 HTTP/1.1"}
