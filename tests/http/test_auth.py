"""The key reaches the server, and no hook sees it."""

import copy

import aiohttp
import pytest
from fakes.faults import redirect, reset, status
from fakes.shown import traced_session
from rich.pretty import pretty_repr

from aiotofupilot import ConfigurationError, RetryPolicy, TofuPilotSession
from aiotofupilot._checks import Secret
from aiotofupilot._http.transport import sender
from aiotofupilot.sandbox import Sandbox

KEY = "tofu_0123456789abcdef"
HOOKS = [name for name in dir(aiohttp.TraceConfig) if name.startswith("on_")]


def recording(seen):
    """A trace configuration that records everything it gets, as text and as attributes."""
    trace = aiohttp.TraceConfig()

    def hook(name):
        async def record(session, context, params):
            headers = getattr(params, "headers", {})
            seen.append((name, repr(params), dict(headers), dict(getattr(session, "headers", {}))))
            response = getattr(params, "response", None)
            if response is not None:
                seen.append((name, repr(response.request_info), dict(response.request_info.headers)))

        return record

    for name in HOOKS:
        getattr(trace, name).append(hook(name))
    return trace


@pytest.mark.parametrize("is_handed_in", [False, True])
async def test_no_hook_sees_the_key(is_handed_in):
    """Neither the arguments of a hook nor the objects in them have the key. This includes retries and redirects."""
    seen = []
    async with (
        Sandbox(30, api_key=KEY) as sandbox,
        traced_session(KEY, sandbox, recording(seen), is_handed_in=is_handed_in) as client,
    ):
        sandbox.faults.next(status(503, retry_after=0), reset(), redirect())
        patient = client.with_options(retry=RetryPolicy(initial_wait=0))
        assert len(await patient.procedures.list(limit=10).collect()) == 30
        assert {request.status for request in sandbox.requests} == {503, None, 307, 200}
    assert {name for name, *_ in seen} >= {"on_request_start", "on_request_headers_sent", "on_request_end"}
    assert KEY not in repr(seen)


async def test_hooks_that_a_library_adds_to_every_session_do_not_see_the_key_either(monkeypatch):
    """OpenTelemetry, for one, adds its hooks whenever an aiohttp session is made."""
    seen, make = [], aiohttp.ClientSession.__init__

    def make_traced(self, *args, trace_configs=None, **options):
        make(self, *args, trace_configs=[*(trace_configs or ()), recording(seen)], **options)

    monkeypatch.setattr(aiohttp.ClientSession, "__init__", make_traced)
    async with Sandbox(3, api_key=KEY) as sandbox, TofuPilotSession(KEY, base_url=sandbox.url) as client:
        assert len(await client.procedures.list().collect()) == 3
    assert "on_request_headers_sent" in {name for name, *_ in seen}
    assert KEY not in repr(seen)


async def test_middlewares_of_a_session_that_is_handed_in_run_too():
    """They run before the key is added to the request."""
    seen = []

    async def see(request, handler):
        seen.append(dict(request.headers))
        return await handler(request)

    async with (
        Sandbox(3, api_key=KEY) as sandbox,
        aiohttp.ClientSession(middlewares=[see]) as http_session,
        TofuPilotSession(KEY, base_url=sandbox.url, http_session=http_session) as session,
    ):
        assert len(await session.procedures.list().collect()) == 3
    assert len(seen) == 1
    assert KEY not in repr(seen)


async def test_the_sender_is_its_own_copy():
    """A mock that records a call copies the arguments, and must not copy a connection."""
    async with aiohttp.ClientSession() as http_session:
        sends = sender(http_session, Secret(KEY), None)
    assert copy.deepcopy(sends) is sends
    assert KEY not in repr(sends)


class Missing:
    """An attribute that aiohttp has under another name."""

    def __get__(self, instance, owner):
        raise AttributeError

    def __set__(self, instance, value):
        pass


@pytest.mark.parametrize("is_handed_in", [False, True])
async def test_an_aiohttp_that_would_show_the_key_to_hooks_is_refused(monkeypatch, is_handed_in):
    """The key is not shown to the hooks instead. The first request fails, and nothing is sent."""
    owner, name, consequence = aiohttp.ClientRequest, "_on_headers_request_sent", "trace hooks would see the key"
    seen = []
    async with (
        Sandbox(3, api_key=KEY) as sandbox,
        traced_session(KEY, sandbox, recording(seen), is_handed_in=is_handed_in) as client,
    ):
        monkeypatch.setattr(owner, name, Missing(), raising=False)
        with pytest.raises(ConfigurationError) as caught:
            await client.procedures.list()
        assert not sandbox.requests
    assert str(caught.value) == (
        f"{consequence}, because aiohttp {aiohttp.__version__} has no {owner.__name__}.{name}: "
        "install another version of aiohttp, or use no trace hooks"
    )
    assert KEY not in repr(seen)


@pytest.mark.parametrize("is_handed_in", [False, True])
@pytest.mark.parametrize(
    ("owner", "name"),
    [(aiohttp.ClientRequest, "_on_headers_request_sent"), (aiohttp.ClientSession, "_middlewares")],
)
async def test_any_other_session_works_with_an_aiohttp_without_the_private_names(
    monkeypatch, caplog, is_handed_in, owner, name
):
    """The middlewares of an aiohttp session that is handed in may be lost, and a warning says so."""
    seen = []

    async def see(request, handler):
        seen.append(request)
        return await handler(request)

    async with (
        Sandbox(3, api_key=KEY) as sandbox,
        aiohttp.ClientSession(middlewares=[see]) as http_session,
        TofuPilotSession(KEY, base_url=sandbox.url, http_session=http_session if is_handed_in else None) as client,
    ):
        monkeypatch.setattr(owner, name, Missing(), raising=False)
        assert len(await client.procedures.list().collect()) == 3
    is_lost = is_handed_in and name == "_middlewares"
    assert (
        caplog.messages
        == [f"the middlewares of http_session do not run, because aiohttp {aiohttp.__version__} hides them"] * is_lost
    )
    assert len(seen) == (is_handed_in and not is_lost)


def test_a_secret_does_not_show_where_rich_prints_it():
    """rich asks attrs for the fields, and prints the local variables of tracebacks in this way."""
    assert "abc" not in pretty_repr(Secret("secret-abc"))
    assert (repr(Secret("secret-abc")), repr(Secret(None))) == ("***", "None")
