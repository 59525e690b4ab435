"""No local variable of a traceback shows the key or the password of a proxy, as rich and Sentry show them.

- No local variable in a traceback shows the key or the password of a proxy.
"""

import asyncio
import traceback
from io import StringIO

import aiohttp
import pytest
from fakes.proxies import AUTHORITY, Proxy, with_tls
from fakes.shown import chain, local_variables, traced_session
from rich.console import Console
from rich.traceback import Traceback

from aiotofupilot import RateLimitedError, RetryPolicy, TofuPilotSession
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.faults import stall, status

KEY = "tp_user_5f2c8e9d7b1a"
PASSWORD = "of-the-proxy-0123456789"
SECRETS = (KEY, PASSWORD)


def assert_hidden(error):
    """Look at each local variable of the whole chain, but for those of the test itself."""
    shown = list(local_variables(error))
    assert any("aiotofupilot" in frame.f_code.co_filename for link in chain(error) for frame in frames(link))
    assert shown
    for text in shown:
        for secret in SECRETS:
            assert secret not in text


def frames(error):
    return [frame for frame, _ in traceback.walk_tb(error.__traceback__)]


@pytest.fixture
async def sandbox():
    async with Sandbox(procedures=30, api_key=KEY) as sandbox:
        yield sandbox


async def given_up(session, asked, **options):
    """Return the TimeoutError of a walk that is given up as soon as something is waited for."""
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(None) as limit:
            asyncio.get_running_loop().create_task(expire(asked, limit))
            async for _ in session.procedures.list(limit=10, **options):
                pass
    return caught.value


async def expire(asked, limit):
    async with asyncio.timeout(30):
        while not asked():  # noqa: ASYNC110 - a server has no event for it
            await asyncio.sleep(0.001)
    limit.reschedule(0.0)


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("fault", [stall(1000), stall(1000, inside_body=True), status(503, retry_after=30)], ids=repr)
async def test_a_walk_that_is_given_up_hides_the_key(sandbox, fault, concurrency):
    """It waits for an answer, for a body, or for the end of a pause."""
    sandbox.faults.always(fault)
    async with TofuPilotSession(KEY, base_url=sandbox.url) as session:
        assert_hidden(await given_up(session, lambda: sandbox.requests, concurrency=concurrency))


async def test_what_tools_print_hides_the_key(sandbox):
    """The standard library can print local variables, and rich does."""
    sandbox.faults.always(stall(1000))
    async with TofuPilotSession(KEY, base_url=sandbox.url) as session:
        error = await given_up(session, lambda: sandbox.requests)
    printed = StringIO()
    Console(file=printed, width=1000).print(
        Traceback.from_exception(
            type(error), error, error.__traceback__, show_locals=True, locals_max_string=None, extra_lines=0
        )
    )
    captured = traceback.TracebackException.from_exception(error, capture_locals=True)
    for text in (printed.getvalue(), "".join(captured.format())):
        assert "request = <aiohttp.client_reqrep.ClientRequest object" in text
        assert KEY not in text


@pytest.mark.parametrize("is_handed_in", [False, True])
async def test_a_hook_that_hangs_hides_the_key(sandbox, is_handed_in):
    """The headers are about to be written then."""
    asked = []

    async def hang(http_session, context, params):
        asked.append(params)
        await asyncio.Event().wait()

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(hang)

    async with traced_session(KEY, sandbox, trace, is_handed_in=is_handed_in) as client:
        assert_hidden(await given_up(client, lambda: asked))


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("hangs", ["proxy", "server"])
async def test_a_walk_behind_a_proxy_hides_the_password_too(sandbox, scheme, hangs):
    """The proxy does not open the connection, or the server behind it does not answer."""
    port = int(sandbox.url.split(":")[2].split("/")[0])
    async with with_tls(port) as secure, Proxy(secure if scheme == "https" else port, f"user:{PASSWORD}") as proxy:
        if hangs == "proxy":
            proxy.answers = [None]
        else:
            sandbox.faults.always(stall(1000))
        session = TofuPilotSession(
            KEY,
            base_url=f"{scheme}://tofu.example.com",
            proxy=proxy.url.replace("//", f"//user:{PASSWORD}@"),
            ca_cert=AUTHORITY.cert_pem.bytes().decode(),
            allow_insecure_http=True,
        )
        async with session:
            asked = proxy.requests if hangs == "proxy" else sandbox.requests
            assert_hidden(await given_up(session, lambda: asked))


async def test_an_error_of_a_limiter_hides_the_key(sandbox):
    """It is raised as it is, with its whole chain."""

    class Limiter:
        async def __aenter__(self):
            pass

        async def __aexit__(self, kind, error, _):
            raise OSError("of the limiter") from error

    sandbox.faults.always(status(429, retry_after=3600))
    async with TofuPilotSession(KEY, base_url=sandbox.url, limiter=Limiter(), retry=None) as session:
        with pytest.raises(OSError, match="of the limiter") as caught:
            await session.procedures.list()
    assert any(isinstance(link, RateLimitedError) for link in chain(caught.value))
    assert_hidden(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"base_url": "http://tofu.example.com"},
        {"base_url": "https://tofu.example.com", "proxy": f"socks5://user:{PASSWORD}@proxy"},
        {"base_url": "http://localhost", "proxy": f"http://user:{PASSWORD}@proxy"},
        {"timeout": -1},
        {"limiter": 3},
        {"trace_configs": 3},
        {"http_session": 3},
        {"http_session": 3, "proxy": f"http://user:{PASSWORD}@proxy"},
        {"ca_cert": "/nowhere/ca.pem"},
        {"allow_insecure_http": "yes"},
        {"retry": RetryPolicy},
    ],
    ids=repr,
)
def test_a_session_that_cannot_be_made_hides_the_key(options):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of many classes
        TofuPilotSession(KEY, **options)
    assert_hidden(caught.value)


@pytest.mark.parametrize("key", [f"{KEY}\n", f"Bearer {KEY} ", f"{KEY}é", KEY.encode()])
@pytest.mark.parametrize("source", ["argument", "environment", "login"])
def test_a_key_that_cannot_be_used_is_hidden(login, monkeypatch, key, source):
    """It is a key nevertheless."""
    text = key if isinstance(key, str) else key.decode()
    if source == "login":
        login(api_key=text if isinstance(key, str) else [text])
    elif source == "environment":
        monkeypatch.setenv("TOFUPILOT_API_KEY", f"{text} ")
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of two classes
        TofuPilotSession(key if source == "argument" else None)
    assert_hidden(caught.value)


@pytest.mark.parametrize("content", ['{{"api_key": "{0}"', '["{0}"]', '{{"api_key": "{0}", "base_url": 1}}'])
def test_a_login_that_cannot_be_read_hides_its_key(login, content):
    login().write_text(content.format(KEY))
    with pytest.raises(Exception, match="malformed") as caught:
        TofuPilotSession()
    assert_hidden(caught.value)


@pytest.mark.parametrize("options", [{"listings": ["nonsense"]}, {"start": 0}])
def test_a_source_that_cannot_be_made_hides_the_key(options):
    """dlt's own frames know what a source is given."""
    dlt = pytest.importorskip("aiotofupilot.dlt")
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of dlt, or of this package
        list(dlt.tofupilot(KEY, **options))
    own = [
        frame for link in chain(caught.value) for frame in frames(link) if "/aiotofupilot/" in frame.f_code.co_filename
    ]
    assert own
    for frame in own:
        assert KEY not in repr(frame.f_locals)
