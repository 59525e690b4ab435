"""aiohttp on real sockets: what is sent, what comes back, and what happens when something goes wrong.

- Every request that is sent is counted, even after a lost connection.
- An attempt takes at most `timeout` seconds, connecting and body included, without the wait for a free connection.
- Cancelling returns at once, and the connection is closed.
- A response above `max_body`, as it is or decompressed, is refused while it is read.
- The key is not sent to another origin, and not unencrypted beyond this machine unless you allow it.
- An untrusted certificate is a `CertificateError`, unless `ca_cert=`, `--ca-cert`, `SSL_CERT_FILE` or `http_session`
  trusts it.
- No cookie is kept or sent back.
"""

import asyncio
import gzip
import socket
import ssl
import zlib

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver
from fakes.proxies import AUTHORITY
from fakes.raw_server import Server, and_then, hang, hang_up, http, reset
from fakes.transport import OverSockets

from aiotofupilot import (
    CertificateError,
    ConnectionFailedError,
    ProxyError,
    RedirectError,
    RequestTimeoutError,
    ResponseTooLargeError,
    SessionError,
)

KEY = "secret-key-of-a-test"
LIMIT = 64 * 1024 * 1024


@pytest.fixture
def clock(clock, monkeypatch):
    """Its timeouts are real, because the server is on a socket."""
    monkeypatch.setattr(clock, "timeout", asyncio.timeout)
    return clock


@pytest.fixture
async def make(server, clock):
    """Makes clients of the server, and closes them."""
    made = []

    def make(origin=None, http_session=None, trace_configs=None, key=KEY):
        base_url = f"{origin or server.origin}/api"
        made.append(OverSockets(base_url, clock, http_session=http_session, trace_configs=trace_configs, key=key))
        return made[-1]

    yield make
    for client in made:
        await client.transport.close()


@pytest.fixture
def get(make):
    """Sends one request through a transport of its own."""

    async def get(target="/v2/procedures?limit=3", timeout=60.0, max_body=LIMIT, **options):  # noqa: ASYNC109 - likewise
        return await make(**options).get(target, timeout=timeout, max_body=max_body)

    return get


@pytest.fixture
async def handed_in():
    """Makes aiohttp sessions as users do, and closes them as users do."""
    sessions = []

    def make(**options):
        sessions.append(aiohttp.ClientSession(**options))
        return sessions[-1]

    yield make
    for session in sessions:
        await session.close()


async def test_a_request_has_the_key_and_says_who_asks(get, server):
    """Its path is percent-encoded as it was given."""
    server.answers = [http()]
    await get("/v2/procedures?limit=3&search_query=a%20b%2Fc%2B%C3%A9")
    line, *fields = server.requests[0].strip().split("\r\n")
    headers = dict(field.split(": ") for field in fields)
    assert line == "GET /api/v2/procedures?limit=3&search_query=a%20b%2Fc%2B%C3%A9 HTTP/1.1"
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert headers["Accept"] == "application/json"
    assert headers["User-Agent"].startswith("aiotofupilot/")
    assert "gzip" in headers["Accept-Encoding"]


async def test_a_cookie_is_not_sent_back(make, server):
    """Whoever sets it, the server or a proxy, could tell the requests of a session from others."""
    cookie = "Set-Cookie: route=a1; Path=/"
    server.answers = [http(b"", cookie, "Location: /api/v2/users", status="302 Found"), http(b"", cookie), http()]
    client = make(f"http://localhost:{server.port}")  # aiohttp would keep no cookie of a server that has no name
    await client.get("/v2/procedures", timeout=60.0)
    await client.get("/v2/procedures", timeout=60.0)
    assert len(server.requests) == 3
    assert not [request for request in server.requests if "cookie" in request.lower()]


BODY = b'{"data": []}' * 1000


@pytest.mark.parametrize(
    "answer",
    [
        http(BODY),
        and_then(b"HTTP/1.1 200 OK\r\n\r\n" + BODY, hang_up),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
        http(gzip.compress(BODY), "Content-Encoding: gzip"),
        http(zlib.compress(BODY), "Content-Encoding: deflate"),
        b"HTTP/1.1 100 Continue\r\n\r\n" + http(BODY),
    ],
    ids=["length", "until closed", "chunked", "gzip", "deflate", "after 100"],
)
async def test_a_response_comes_back_whole(get, server, clock, answer):
    """The way of the transfer does not matter."""
    server.answers = [answer]
    response = await get()
    assert (response.status, response.body) == (200, BODY)
    assert response.received_at == clock.now()


async def test_a_response_of_any_status_is_a_response(get, server):
    """Another module decides what it means. Upper and lower case do not matter in the names of headers."""
    server.answers = [http(b"busy", "RETRY-AFTER: 7", status="503 Busy")]
    response = await get()
    assert (response.status, response.body) == (503, b"busy")
    assert response.headers["Retry-After"] == "7"


CUT = [
    pytest.param(hang_up, id="no answer"),
    pytest.param(reset, id="reset"),
    pytest.param(and_then(b"HTTP/1.1 200 OK\r\nContent-Le", hang_up), id="in the headers"),
    pytest.param(and_then(http(BODY)[:500], hang_up), id="in the body"),
    pytest.param(and_then(http(BODY)[:500], reset), id="in the body, reset"),
    pytest.param(and_then(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", hang_up), id="in a chunk"),
    pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", id="not HTTP"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", id="no length"),
    pytest.param(http(b"not gzip", "Content-Encoding: gzip"), id="not gzip"),
    pytest.param(http(b"not gzip", "Content-Encoding: br"), id="brotli, unasked"),
]


@pytest.mark.parametrize("answer", CUT)
async def test_a_response_that_does_not_arrive_is_a_failed_connection(get, server, handed_in, answer):
    """It was asked for once, because nothing would count a second attempt by aiohttp itself."""
    for number, http_session in enumerate((None, handed_in()), 1):
        server.answers = [answer]
        with pytest.raises(ConnectionFailedError, match=r"127\.0\.0\.1") as caught:
            await get(http_session=http_session)
        assert not isinstance(caught.value, CertificateError)
        assert len(server.requests) == number


async def test_a_refused_connection_is_a_failed_connection(get, server):
    """So is a name that nobody knows."""
    await server.stop()
    with pytest.raises(ConnectionFailedError, match=r"^the connection to 127\.0\.0\.1:\d+ failed: Connection refused$"):
        await get()
    unknown = r"^the connection to tofu\.invalid failed: its name cannot be resolved \("
    with pytest.raises(ConnectionFailedError, match=unknown):
        await get(origin="http://tofu.invalid")


async def test_a_name_that_another_resolver_does_not_find_is_not_resolved_either(get, handed_in):
    """A resolver such as aiodns has an error of its own. So a name that is misspelled is reported as early."""

    class Resolver(AbstractResolver):
        async def resolve(self, *_, **__):
            raise OSError(None, "Domain name not found")

        async def close(self):
            pass

    session = handed_in(connector=aiohttp.TCPConnector(resolver=Resolver()))
    unknown = r"^the connection to tofu\.invalid failed: its name cannot be resolved \(Domain name not found\)"
    with pytest.raises(ConnectionFailedError, match=unknown) as caught:
        await get(origin="http://tofu.invalid", http_session=session)
    assert isinstance(caught.value.__cause__, socket.gaierror)


@pytest.mark.parametrize("way", ["directly", "through a proxy", "to a proxy"])
async def test_a_connection_that_is_closed_during_the_tls_handshake_says_so(get, server, handed_in, way):
    """The system has no number and no words for it."""

    async def hang_up(reader, writer):
        if way == "through a proxy":
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await reader.read(1)
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as closing:
        host = f"127.0.0.1:{closing.sockets[0].getsockname()[1]}"
        proxy = {"through a proxy": f"http://{host}", "to a proxy": f"https://{host}"}.get(way)
        origin, whose = ("https://tofu.invalid", r"tofu\.invalid") if proxy else (f"https://{host}", host)
        peer = f"the proxy at {host} cannot be reached: " if way == "to a proxy" else ""
        closed = "closed during the TLS handshake"
        with pytest.raises(ConnectionFailedError, match=f"^the connection to {whose} failed: {peer}{closed}"):
            await get(origin=origin, http_session=handed_in(proxy=proxy))


HUNG = [
    pytest.param(hang, id="before the headers"),
    pytest.param(and_then(b"HTTP/1.1 200 OK\r\nX: ", hang), id="in the headers"),
    pytest.param(and_then(http(BODY)[:500], hang), id="in the body"),
]


@pytest.mark.parametrize("answer", HUNG)
async def test_a_server_that_hangs_costs_the_timeout_and_no_more(get, server, answer):
    """The body is part of it, and the connection is closed."""
    server.answers = [answer]
    began = asyncio.get_running_loop().time()
    with pytest.raises(
        RequestTimeoutError, match=r"^no whole response within 0\.05 s from /api/v2/procedures$"
    ) as caught:
        await get(timeout=0.05)
    assert caught.value.timeout == 0.05
    assert 0.04 < asyncio.get_running_loop().time() - began < 5.0


class Unresolving(aiohttp.abc.AbstractResolver):
    """A name server that does not answer."""

    async def resolve(self, host, port=0, family=0):
        await asyncio.Event().wait()

    async def close(self):
        pass


async def test_connecting_is_part_of_the_timeout(get, handed_in):
    """Looking up the name included."""
    session = handed_in(connector=aiohttp.TCPConnector(resolver=Unresolving()))
    with pytest.raises(RequestTimeoutError):
        await get(origin="http://tofu.example.com", http_session=session, timeout=0.05)


async def test_a_cancelled_request_hangs_up(make, server):
    """The server can stop working for it."""

    async def write_until_refused(writer):
        while True:
            writer.write(BODY)
            await writer.drain()
            await asyncio.sleep(0)

    server.answers = [and_then(b"HTTP/1.1 200 OK\r\n\r\n", write_until_refused)]
    task = asyncio.create_task(make().get("/", timeout=None))
    await server.asked.wait()
    task.cancel()
    async with asyncio.timeout(30):
        await server.gone.wait()


async def test_a_body_without_end_is_refused_while_it_is_read(get, server):
    """No page comes near the usual limit of 64 MiB. The connection is closed."""

    async def flood(writer):
        while True:
            writer.write(bytes(1024 * 1024))
            await writer.drain()

    server.answers = [and_then(b"HTTP/1.1 200 OK\r\n\r\n", flood)]
    with pytest.raises(ResponseTooLargeError) as caught:
        await get()
    assert caught.value.limit == LIMIT
    assert str(caught.value).endswith("; to allow it, give the session a larger max_body")
    async with asyncio.timeout(30):
        await server.gone.wait()


async def test_the_status_of_an_error_is_known_although_its_body_is_cut_short(get, server):
    """Otherwise a wrong key would look like a server that is down."""
    for body, *headers in [(b"wrong k",), (b"not compressed", "Content-Encoding: gzip")]:
        response = http(body + b"ey", *headers, status="401 Unauthorized")[:-2]
        server.answers = [and_then(response, hang_up)]
        assert (await get()).status == 401


async def test_the_limit_is_an_option(get, server):
    """A run with all its points can be larger than any page. The bound itself is allowed."""
    for max_body in (1000, 100_000):
        server.answers = [http(gzip.compress(bytes(max_body)), "Content-Encoding: gzip")] * 2
        assert len((await get(max_body=max_body)).body) == max_body
        with pytest.raises(ResponseTooLargeError):
            await get(max_body=max_body - 1)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_within_the_origin_is_followed(get, server, status):
    """It is relative or absolute. The key is sent, and credentials in the address are dropped."""
    server.answers = [
        http(b"", "Location: /elsewhere?a=b", status=f"{status} Moved"),
        http(b"", f"Location: http://user:password@127.0.0.1:{server.port}/again", status=f"{status} Moved"),
        http(b"here"),
    ]
    assert (await get()).body == b"here"
    assert [request.split()[1] for request in server.requests] == [
        "/api/v2/procedures?limit=3",
        "/elsewhere?a=b",
        "/again",
    ]
    assert all(f"Authorization: Bearer {KEY}\r\n" in request for request in server.requests)


@pytest.mark.parametrize(
    "template", ["{origin}/api", "//127.0.0.1:{port}/api", "https://127.0.0.1:{own}/api", "http://localhost:{own}/"]
)
async def test_a_redirect_to_another_origin_is_not_followed(get, server, elsewhere, template):
    """Another port, scheme or host: the error says where it wanted to go, and the key stays here."""
    elsewhere.answers = [http()]
    location = template.format(origin=elsewhere.origin, port=elsewhere.port, own=server.port)
    server.answers = [http(b"", f"Location: {location}", status="302 Found")]
    with pytest.raises(RedirectError, match="another origin") as caught:
        await get()
    assert (
        caught.value.location == location.replace("//127", "http://127", 1) if location.startswith("//") else location
    )
    assert caught.value.location in str(caught.value)
    assert elsewhere.requests == []
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "location", ["http://[::1", "mailto:a@example.com", "http://127.0.0.1:99999/", "\udcff\udcfe:", "http://a\x01b/"]
)
async def test_a_redirect_to_no_url_is_said_to_be_one(get, server, location):
    head = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: "
    server.answers = [head + location.encode("utf-8", "surrogateescape") + b"\r\n\r\n"]
    with pytest.raises((RedirectError, ConnectionFailedError)):
        await get()


async def test_a_circle_of_redirects_is_left(get, server):
    """Five redirects are followed before."""
    redirect = http(b"", "Location: /api/v2/procedures", status="302 Found")
    server.answers = [redirect] * 10
    with pytest.raises(RedirectError, match="more than 5 times"):
        await get()
    assert len(server.requests) == 1 + 5
    server.answers = [redirect] * 5 + [http(b"here")]
    assert (await get()).body == b"here"


@pytest.mark.parametrize("status", ["302 Found", "304 Not Modified", "300 Multiple Choices"])
async def test_a_3xx_that_leads_nowhere_is_a_response(get, server, status):
    """Another module decides what it means."""
    server.answers = [http(status=status)]
    assert (await get()).status == int(status[:3])


@pytest.fixture
async def secure():
    """Starts servers with a certificate of an authority that nobody trusts."""
    servers = []

    async def start(host="127.0.0.1"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        AUTHORITY.issue_cert(host).configure_cert(context)
        servers.append(await Server().start(context))
        return servers[-1]

    yield start
    for server in servers:
        await server.stop()


async def test_a_certificate_of_a_stranger_is_not_accepted(get, secure):
    """No request is sent, and the error says why."""
    server = await secure()
    with pytest.raises(
        CertificateError, match=r"^TLS with 127\.0\.0\.1 could not be set up: .*CERTIFICATE_VERIFY_FAILED"
    ):
        await get(origin=server.origin)
    assert server.requests == []


async def test_a_private_authority_works_through_a_session_that_is_handed_in(get, secure, handed_in):
    """The certificate has to be for that host."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    session = handed_in(connector=aiohttp.TCPConnector(ssl=context))
    server = await secure()
    server.answers = [http(b"secret")]
    assert (await get(origin=server.origin, http_session=session)).body == b"secret"
    server = await secure("tofu.example.com")
    with pytest.raises(CertificateError, match="IP address mismatch"):
        await get(origin=server.origin, http_session=session)


async def test_a_pinned_certificate_that_is_another_one_is_not_accepted(get, secure, handed_in):
    """aiohttp's Fingerprint pins it."""
    session = handed_in(connector=aiohttp.TCPConnector(ssl=aiohttp.Fingerprint(bytes(32))))
    server = await secure()
    with pytest.raises(CertificateError):
        await get(origin=server.origin, http_session=session)


async def test_a_proxy_of_a_session_that_was_handed_in_may_refuse(get, server, handed_in):
    """The error has the status of its answer, and none of its words."""
    server.answers = [http(status=f"407 {KEY}")]
    with pytest.raises(ProxyError, match=r"^the proxy refused to connect to tofu\.invalid \(HTTP 407\); give the aio"):
        await get(origin="https://tofu.invalid", http_session=handed_in(proxy=server.origin))
    assert KEY not in server.requests[0]


async def test_a_server_that_speaks_no_tls_is_not_tried_again(get):
    """The next attempt would meet the same."""

    async def greet(reader, writer):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as plain:
        with pytest.raises(CertificateError, match="could not be set up"):
            await get(origin=f"https://127.0.0.1:{plain.sockets[0].getsockname()[1]}")


async def test_a_session_that_was_handed_in_keeps_its_ways_to_itself(get, server, handed_in):
    """Its timeout, its habit to raise, and not to decompress, hold for other requests."""
    session = handed_in(
        raise_for_status=True,
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=1e-9),
        headers={"Authorization": "Bearer of another"},
    )
    server.answers = [http(gzip.compress(b"body"), "Content-Encoding: gzip", status="500 No")]
    response = await get(http_session=session)
    assert (response.status, response.body) == (500, b"body")
    assert "of another" not in server.requests[0]


@pytest.fixture
def netrc(monkeypatch, tmp_path):
    """A file with credentials for every server, which aiohttp reads in a session with trust_env."""
    (tmp_path / "netrc").write_text("default login user password word")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


@pytest.mark.usefixtures("netrc")
async def test_a_session_of_its_own_does_not_read_a_netrc_file(make, server, monkeypatch):
    """It has the key, and a proxy that this package finds."""
    monkeypatch.setattr("aiohttp.ClientSession._get_netrc_auth", None)
    server.answers = [http()]
    client = make()
    await client.get("/", timeout=60.0)
    assert not client.transport._session.trust_env
    assert f"Authorization: Bearer {KEY}\r\n" in server.requests[0]


@pytest.mark.usefixtures("netrc")
async def test_credentials_of_a_session_that_was_handed_in_are_not_sent(get, server, handed_in):
    """The key takes their place."""
    server.answers = [http()]
    await get(http_session=handed_in(trust_env=True))
    assert server.requests[0].count("Authorization: ") == 1
    assert f"Authorization: Bearer {KEY}\r\n" in server.requests[0]


async def test_a_session_that_was_handed_in_and_closed_is_refused(make, server, handed_in):
    """It was closed before or during a request."""
    session = handed_in()
    server.answers = [hang]
    client = make(http_session=session)
    task = asyncio.create_task(client.get("/", timeout=None))
    await server.asked.wait()
    await session.close()
    with pytest.raises(SessionError, match="closed during a request"):
        await task
    with pytest.raises(SessionError, match="the aiohttp session is closed"):
        await client.get("/", timeout=None)


async def test_a_timeout_of_a_users_middleware_is_one_of_ours(get, handed_in):
    """The error has no number of seconds, because only the middleware knows it."""

    async def give_up(request, handler):
        raise TimeoutError

    with pytest.raises(RequestTimeoutError, match="before the connection gave up") as caught:
        await get(http_session=handed_in(middlewares=[give_up]))
    assert caught.value.timeout is None


async def test_connections_are_shared_by_all_who_use_the_connector(make, handed_in, elsewhere):
    """They may ask different servers. A session whose aiohttp session is closed does not share them."""
    session, another = handed_in(), handed_in()
    here, again, there = (
        make(origin, http_session=session).transport.connections for origin in (None, None, elsewhere.origin)
    )
    assert here is again is there is not make(http_session=another).transport.connections
    await another.close()
    assert not make(http_session=another).transport.connections.locked()


async def test_the_key_is_hidden_in_where_a_redirect_leads(get, server):
    """A server may repeat it in its answer."""
    server.answers = [http(b"", f"Location: https://evil.example.com/?key={KEY}", status="302 Found")]
    with pytest.raises(RedirectError) as caught:
        await get()
    assert caught.value.location == "withheld, because the response repeats the key"
