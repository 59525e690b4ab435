"""A session behind a proxy: which one it uses, what the proxy sees, and what happens when the proxy refuses.

- A session, the command, the mirror and the dlt source use their proxy, or that of the environment; one that refuses
  is asked once, and its password shows nowhere.
"""

import asyncio
import json
import logging
import os
import pickle
import subprocess
import sys

import aiohttp
import pytest
from fakes.proxies import AUTHORITY, Proxy, found, refusal, with_tls
from fakes.shown import texts

from aiotofupilot import (
    CertificateError,
    ConfigurationError,
    ConnectionFailedError,
    ForbiddenError,
    ProxyError,
    RetryPolicy,
    ServerError,
    TofuPilotSession,
)
from aiotofupilot.sandbox import Sandbox

HTTPS, HTTP = "https://tofu.example.com", "http://tofu.example.com"
PASSWORD = "pass/word:0123456789"
LOGIN = f"us@er:{PASSWORD}"
IN_URL = "us%40er:pass%2Fword%3A0123456789"


@pytest.fixture(autouse=True)
def no_proxy_in_environment(monkeypatch):
    for name in os.environ:
        if name.lower().endswith("_proxy") or name == "REQUEST_METHOD":
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def no_password_in_logs(caplog):
    caplog.set_level(logging.DEBUG)
    yield
    assert PASSWORD not in caplog.text


@pytest.fixture
async def sandbox():
    async with Sandbox(30) as sandbox:
        yield sandbox


@pytest.fixture
async def proxy(sandbox, base_url):
    """A proxy that leads to the sandbox, with TLS if the address begins with https."""
    port = int(sandbox.url.split(":")[2].split("/")[0])
    if base_url.startswith("https"):
        async with with_tls(port) as secure, Proxy(secure) as proxy:
            yield proxy
    else:
        async with Proxy(port) as proxy:
            yield proxy


@pytest.fixture
def connect(sandbox, base_url):
    """Makes a session with the server behind the proxy."""

    def connect(proxy=None, **options):
        options = {"retry": RetryPolicy(attempts=2, initial_wait=0), "ca_cert": AUTHORITY.cert_pem.bytes().decode()} | (
            options
        )
        return TofuPilotSession(sandbox.api_key, base_url=base_url, proxy=proxy, allow_insecure_http=True, **options)

    return connect


each_scheme = pytest.mark.parametrize("base_url", [HTTPS, HTTP], ids=["https", "http"])


@each_scheme
@pytest.mark.parametrize("source", ["argument", "environment"])
@pytest.mark.parametrize(
    ("login", "in_url"),
    [(None, ""), (LOGIN, f"{IN_URL}@"), ("operator:", "operator@")],
    ids=["open", "with password", "with a name alone"],
)
async def test_a_session_goes_through_its_proxy(connect, proxy, sandbox, base_url, monkeypatch, source, login, in_url):
    """The proxy gets its own password, and cannot read what is sent to a server with https."""
    proxy.login = login
    url = proxy.url.replace("//", f"//{in_url}")
    if source == "environment":
        monkeypatch.setenv(f"{base_url.split(':')[0]}_proxy", url)
    async with connect(url if source == "argument" else None) as session:
        assert await session.procedures.list(limit=10).collect() == sandbox.procedures
        assert all(LOGIN not in text and PASSWORD not in text for text in texts(session))
    if base_url == HTTPS:
        assert proxy.lines == ["CONNECT tofu.example.com:443 HTTP/1.1"]
        assert sandbox.api_key not in proxy.requests[0]
    else:
        assert proxy.lines == [f"GET {HTTP}/api/v2/procedures?limit=10 HTTP/1.1"]
    assert ("Proxy-Authorization: Basic " in proxy.requests[0]) is (login is not None)
    assert len(sandbox.requests) == 4


@each_scheme
async def test_a_proxy_may_have_tls_of_its_own(connect, proxy, sandbox):
    """The same authority is trusted for its certificate."""
    async with Proxy(proxy._target, login=LOGIN, host="127.0.0.1") as secure:
        async with connect(secure.url.replace("//", f"//{IN_URL}@")) as session:
            assert await session.procedures.list().collect() == sandbox.procedures
        assert len(secure.requests) == 1
        with pytest.raises(CertificateError, match=rf"^TLS with the proxy at {secure.address} could not be set up: "):
            async with connect(secure.url, ca_cert=None) as session:
                await session.procedures.list()


LOGIN_WANTED = "give proxy= the right user name and password: http://USER:PASSWORD@proxy.example.com:3128"


@pytest.mark.parametrize(
    ("base_url", "code", "has_login", "hint"),
    [
        *((url, 407, has_login, LOGIN_WANTED) for url in (HTTP, HTTPS) for has_login in (False, True)),
        (HTTPS, 403, False, "check the proxy in proxy=, and that it allows tofu.example.com"),
    ],
)
async def test_a_proxy_that_refuses_is_asked_once(connect, proxy, code, has_login, hint):
    """The error is the proxy's, and says nothing of its password."""
    proxy.answers = [refusal(code, f"Proxy-Authenticate: Basic realm={PASSWORD}", body=LOGIN.encode())] * 2
    url = proxy.url.replace("//", f"//{IN_URL}@") if has_login else proxy.url
    async with connect(url) as session:
        with pytest.raises(ProxyError) as caught:
            await session.procedures.list()
    error = caught.value
    assert error.args == (f"the proxy at {proxy.address} refused to connect to tofu.example.com (HTTP {code})",)
    assert (error.status, error.hint, error.attempts, len(proxy.requests)) == (code, hint, 1, 1)
    assert all(PASSWORD not in text for text in texts(error))
    assert pickle.loads(pickle.dumps(error)).status == code  # noqa: S301 - our own


@pytest.mark.parametrize("base_url", [HTTP])
async def test_a_403_without_tls_is_taken_for_the_servers(connect, proxy):
    """It is not requested again either."""
    proxy.answers = [refusal(403)]
    async with connect(proxy.url) as session:
        with pytest.raises(ForbiddenError):
            await session.procedures.list()
    assert len(proxy.requests) == 1


@each_scheme
@pytest.mark.parametrize("code", [503, 429])
async def test_a_proxy_that_does_not_reach_the_server_is_asked_again(connect, proxy, sandbox, code):
    proxy.answers = [refusal(code)]
    async with connect(proxy.url) as session:
        assert await session.procedures.list().collect() == sandbox.procedures
        proxy.answers = [refusal(503)] * 2
        async with connect(proxy.url) as other:
            with pytest.raises((ConnectionFailedError, ServerError), match="503") as caught:
                await other.with_options(retry=None).procedures.list()
    assert caught.value.attempts == 1


@each_scheme
async def test_a_proxy_that_cannot_be_reached_is_a_failed_connection(connect, proxy, base_url):
    """So is one whose name nobody knows. It is tried again, and named."""
    await proxy.stop()
    host = "tofu.example.com"
    cases = {proxy.url: f"{proxy.address} cannot be reached: Connection refused"}
    cases["http://proxy.invalid:3128"] = r"proxy\.invalid:3128 cannot be reached: its name cannot be resolved"
    for url, reason in cases.items():
        async with connect(url) as session:
            with pytest.raises(
                ConnectionFailedError, match=rf"^the connection to {host} failed: the proxy at {reason}"
            ) as caught:
                await session.procedures.list()
            assert (caught.value.attempts, caught.value.hint) == (2, "check the proxy in proxy=")
    await proxy.start(proxy._proxy)  # for the end of the test


@pytest.mark.parametrize("base_url", [HTTPS])
async def test_a_proxy_that_looks_into_tls_needs_its_authority(connect, proxy):
    """It has a certificate of the company's own for each server."""
    async with connect(proxy.url, ca_cert=None) as session:
        with pytest.raises(CertificateError, match=r"^TLS with tofu\.example\.com could not be set up: ") as caught:
            await session.procedures.list()
    assert caught.value.hint == (
        "check its address; if its certificate is of a private authority, set SSL_CERT_FILE to a PEM file, "
        "or pass ca_cert="
    )
    assert len(proxy.requests) == 1


COMMAND = """
import json, sys
from aiotofupilot.cli import run
for arguments in json.loads(sys.argv[1]):
    print("exit code", int(run(["procedures", "--format", "jsonl", *arguments])), flush=True)
"""
"""Run the command several times."""


async def run(sandbox, base_url, *options, **environment):
    """Return the lines of the output, and the errors, of the command with some options, and then with others."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", COMMAND, json.dumps(options)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"TOFUPILOT_API_KEY": sandbox.api_key, "TOFUPILOT_URL": base_url, **environment},
    )
    output, errors = await process.communicate()
    return output.decode().splitlines(), errors.decode()


@pytest.fixture
def authority(tmp_path):
    AUTHORITY.cert_pem.write_to_path(tmp_path / "ca.pem")
    return str(tmp_path / "ca.pem")


@pytest.mark.parametrize("base_url", [HTTPS])
async def test_the_command_goes_through_a_proxy(proxy, sandbox, base_url, authority):
    """It is that of the environment, or of an option. OpenSSL reads SSL_CERT_FILE when the program starts.

    If it cannot, it says why in its own words, and without the password. A refusal is not one of the key.
    """
    proxy.login = LOGIN
    url = proxy.url.replace("//", f"//{IN_URL}@")
    lines, errors = await run(sandbox, base_url, [], HTTPS_PROXY=url, SSL_CERT_FILE=authority)
    assert (len(lines), lines[-1], errors) == (31, "exit code 0", "")
    given = [["--proxy", url, "--ca-cert", authority], ["--proxy", url.replace("us%40er", "other")]]
    lines, errors = await run(sandbox, base_url, *given, ["--proxy", f"socks5://user:{PASSWORD}@proxy"])
    assert (len(lines), lines[-3:]) == (33, ["exit code 0", "exit code 4", "exit code 2"])
    refused, unusable = errors.splitlines()
    assert refused.startswith(
        f"aiotofupilot: the proxy at {proxy.address} refused to connect to tofu.example.com (HTTP 407); give "
    )
    assert unusable.startswith("aiotofupilot: --proxy must be the http:// or https:// address of a ")
    assert PASSWORD not in errors
    assert proxy.lines == ["CONNECT tofu.example.com:443 HTTP/1.1"] * 3


@pytest.mark.parametrize(
    ("variables", "used"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://upper:1"}, "http://upper:1"),
        ({"https_proxy": "http://lower:1", "HTTPS_PROXY": "http://upper:1"}, "http://lower:1"),
        ({"https_proxy": "", "HTTPS_PROXY": "http://upper:1"}, None),
        ({"https_proxy": "proxy.example.com:3128"}, "http://proxy.example.com:3128"),
        ({"https_proxy": "https://user:word@proxy.example.com/"}, "https://proxy.example.com"),
        ({"http_proxy": "http://other:1", "ALL_PROXY": "http://all:1", "all_proxy": "http://all:1"}, None),
    ],
)
def test_the_variable_for_the_scheme_is_obeyed(monkeypatch, variables, used):
    """ALL_PROXY is not, and an empty variable says that there is no proxy."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert found(HTTPS) == used


@pytest.mark.parametrize(
    ("no_proxy", "is_used"),
    [
        ("tofu.example.com", False),
        ("TOFU.example.com, other", False),
        ("other,example.com", False),
        (".example.com", False),
        ("tofu.example.com:443", False),
        ("example.com:443", False),
        ("*", False),
        ("fu.example.com", True),
        ("tofu.example.com:8443", True),
        ("tofu.example.com.evil", True),
        ("10.0.0.0/8", True),
        ("", True),
    ],
)
def test_no_proxy_names_servers_that_are_reached_without(monkeypatch, no_proxy, is_used):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:1")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert (found(HTTPS) is not None) is is_used
    assert found(HTTPS, "http://given:1") == "http://given:1"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:3000", "127.9.9.9", "[::1]"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_on_this_machine_has_no_proxy_of_the_environment(monkeypatch, host, scheme):
    """One that is given would get the key unencrypted, if the server has no TLS."""
    monkeypatch.setenv(f"{scheme}_proxy", "http://proxy:1")
    base_url = f"{scheme}://{host}/api"
    assert found(base_url) is None
    assert found(base_url, allow_insecure_http=True) is None
    assert found(base_url, "http://proxy:1", allow_insecure_http=True) == "http://proxy:1"
    if scheme == "https":
        assert found(base_url, "http://proxy:1") == "http://proxy:1"
    else:
        with pytest.raises(ConfigurationError, match=r"^proxy would get the key unencrypted on its way to http://"):
            found(base_url, "http://proxy:1")


def test_an_empty_proxy_is_none(monkeypatch):
    """It says that there is none, whatever the environment says."""
    monkeypatch.setenv("https_proxy", "http://proxy:1")
    assert found(HTTPS, "") is None
    assert found("http://localhost", "") is None


@pytest.mark.parametrize("source", ["proxy", "HTTPS_PROXY", "https_proxy"])
@pytest.mark.parametrize(
    "address",
    [
        "socks5://user:secret@proxy:1080",
        "http://user:sec/ret@proxy:3128",
        "http://user:sec#ret@proxy",
        "http://user:secret@",
        "http://user:secret@[proxy",
        "http://user:secret@proxy:99999",
        "http://user:secret@pro..xy",
        "http://user:secret@xn--",
        "http://user:secret@[a:b]",
        "http://user:secret@pro xy",
        "http://user:sécret@proxy",
        "secret\n",
        "://secret",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_being_shown(monkeypatch, address, source):
    """It may hold a password."""
    if source != "proxy":
        monkeypatch.setenv(source, address)
    with pytest.raises(ConfigurationError) as caught:
        found(HTTPS, address if source == "proxy" else None)
    assert str(caught.value) == (
        f"{source} must be the http:// or https:// address of a proxy, such as http://proxy.example.com:3128; "
        "the value is not shown, because it may hold a password"
    )
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert caught.value.parameter == "proxy"


@pytest.mark.parametrize("proxy", [True, 3128, b"http://proxy:1", ("http://proxy:1",)])
def test_a_proxy_that_is_not_a_string_is_a_type_error(proxy):
    with pytest.raises(TypeError, match=rf"^proxy must be a string or None, got {type(proxy).__name__}$"):
        TofuPilotSession("key", proxy=proxy)


@pytest.mark.parametrize("option", [{"proxy": "http://proxy:1"}, {"proxy": ""}, {"ca_cert": "ca.pem"}])
async def test_a_session_that_is_handed_in_brings_its_own(option):
    async with aiohttp.ClientSession() as http_session:
        with pytest.raises(ConfigurationError, match=rf"^{next(iter(option))} cannot be given with http_session: give"):
            TofuPilotSession("key", http_session=http_session, **option)


async def test_a_session_that_is_handed_in_has_no_proxy_of_the_environment(monkeypatch):
    """It is not even looked for, so a variable that cannot be used does not matter."""
    monkeypatch.setenv("https_proxy", "socks5://proxy")
    async with aiohttp.ClientSession() as http_session:
        TofuPilotSession("key", base_url=HTTPS, http_session=http_session)
    with pytest.raises(ConfigurationError, match="https_proxy"):
        TofuPilotSession("key", base_url=HTTPS)
