"""A session after a login with TofuPilot's own command: its key, its server, its authority, and what errors say."""

import asyncio
import logging
import ssl

import aiohttp
import pytest
import trustme

from aiotofupilot import (
    CertificateError,
    ConfigurationError,
    ForbiddenError,
    NotFoundError,
    TofuPilotSession,
    UnauthorizedError,
)
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.faults import status

PAGE = b'{"data":[],"meta":{"has_more":false,"next_cursor":null}}'


@pytest.fixture
async def sandbox():
    async with Sandbox(3) as sandbox:
        yield sandbox


async def test_a_session_needs_nothing_else(login, sandbox):
    """There is no argument and no variable. The file is read when the session is made, and not later."""
    login(api_key=sandbox.api_key, base_url=sandbox.url)
    session = TofuPilotSession()
    login(api_key="another")
    async with session:
        assert await session.procedures.list().collect() == sandbox.procedures
        assert await session.with_options(timeout=5).procedures.list().collect() == sandbox.procedures


@pytest.mark.parametrize("source", ["argument", "environment", "login"])
async def test_a_refused_key_is_named_by_where_it_is_from(login, sandbox, monkeypatch, source):
    """The error names the server that refused the key, but does not show the key."""
    given = {}
    if source == "login":
        login(api_key="s3cr3t", base_url=sandbox.url)
    elif source == "environment":
        monkeypatch.setenv("TOFUPILOT_API_KEY", "s3cr3t")
        given = {"base_url": sandbox.url}
    else:
        given = {"api_key": "s3cr3t", "base_url": sandbox.url}
    named = {
        "argument": "the key given as api_key",
        "environment": "the key of TOFUPILOT_API_KEY",
        "login": "the key of ~/.tofupilot/credentials.json",
    }
    server = sandbox.url.removesuffix("/api")
    async with TofuPilotSession(**given) as session:
        with pytest.raises(UnauthorizedError) as caught:
            await session.procedures.list().collect()
    assert caught.value.hint == f"{server} refused {named[source]}: check the key, and that it is for this server"
    assert str(caught.value) == f"401 UNAUTHORIZED: {caught.value.message}; {caught.value.hint}"
    assert not hasattr(caught.value, "__notes__")
    assert "s3cr3t" not in str(caught.value)


async def test_a_station_is_told_to_use_the_key_of_a_user(sandbox):
    """Its own key is right, and limited."""
    sandbox.station_listings.discard("procedures")
    async with TofuPilotSession(sandbox.station_key, base_url=sandbox.url) as session:
        with pytest.raises(ForbiddenError, match=r"does not let the key given as api_key read this: use a user's key"):
            await session.procedures.list().collect()


async def test_an_address_that_leads_nowhere_is_named(sandbox):
    """The error names the path that the server does not have."""
    sandbox.faults.always(status(404))
    async with TofuPilotSession("k", base_url=sandbox.url) as session:
        with pytest.raises(NotFoundError, match=r"http://127\S+ has no /api/v2/procedures: check the address of "):
            await session.procedures.list(search_query="secret plan").collect()


def test_a_file_that_others_can_read_is_a_warning_in_the_log(login, caplog):
    """It is used all the same. A program that has warnings as errors goes on."""
    login(0o644, api_key="s3cr3t")
    TofuPilotSession()
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("aiotofupilot", logging.WARNING)
    path = "~/.tofupilot/credentials.json"
    assert record.getMessage() == f"{path} can be read by others: chmod 600 {path}"


def test_a_file_that_is_the_owners_alone_is_not_a_warning(login, caplog):
    login(api_key="s3cr3t")
    TofuPilotSession()
    assert not caplog.records


@pytest.fixture
def authority():
    return trustme.CA()


@pytest.fixture
async def secure(authority):
    """The address of a server whose certificate is of an authority that no system trusts."""

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(PAGE)}\r\n\r\n"
        writer.write(head.encode() + PAGE)
        await writer.drain()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    await server.wait_closed()


async def test_the_authority_of_a_login_is_trusted(login, secure, authority):
    """This holds for a session that makes its own aiohttp session, and only if it uses the key of the login."""
    login(api_key="k", base_url=secure, ca_cert=authority.cert_pem.bytes().decode())
    async with TofuPilotSession() as session:
        assert await session.procedures.list().collect() == []
    async with TofuPilotSession("k", base_url=secure) as session:
        with pytest.raises(CertificateError):
            await session.procedures.list().collect()


async def test_an_aiohttp_session_that_is_handed_in_trusts_whom_it_trusts(login, secure, authority):
    """The login's authority is not even looked at."""
    login(api_key="k", base_url=secure, ca_cert="/nowhere/ca.pem")
    context = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as http_session,
        TofuPilotSession(http_session=http_session) as session,
    ):
        assert await session.procedures.list().collect() == []


def test_an_authority_that_cannot_be_used_is_told_at_once(login):
    """The error does not wait for the first request."""
    login(api_key="k", ca_cert="/nowhere/ca.pem")
    with pytest.raises(ConfigurationError, match=r"^ca_cert in ~/\.tofupilot/cre.* be used: /nowhere/ca\.pem: "):
        TofuPilotSession()
