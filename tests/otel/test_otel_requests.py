"""The spans of requests, which the instrumentation of aiohttp makes, hold no secret."""

import asyncio

import aiohttp
import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from aiotofupilot import ConnectionFailedError, RetryPolicy, TofuPilotSession
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.faults import status

KEY = "tofu_0123456789abcdef"
SECRET = "prototype of the secret project"


@pytest.fixture
async def sandbox():
    async with Sandbox(40, api_key=KEY) as sandbox:
        yield sandbox


@pytest.mark.parametrize("opt_in", ["", "http", "http/dup"])
async def test_neither_the_key_nor_what_is_searched_for_is_told(sandbox, telemetry, monkeypatch, opt_in):
    """Every header is captured, and the old and the new names of the address are covered."""
    from opentelemetry.instrumentation._semconv import _StabilityMode  # noqa: PLC0415 - it has no public name
    from opentelemetry.instrumentation.aiohttp_client import create_trace_config  # noqa: PLC0415

    config = create_trace_config(
        tracer_provider=telemetry.tracers,
        sem_conv_opt_in_mode=_StabilityMode(opt_in or "default"),
        captured_request_headers=[".*"],
        captured_response_headers=[".*"],
    )
    async with TofuPilotSession(KEY, base_url=sandbox.url, trace_configs=[config]) as session:
        await session.procedures.list(search_query=SECRET, limit=10, cursor=20).collect()
        await session.procedures.list(search_query=SECRET)
    addresses = {
        span.attributes[name]
        for span in telemetry.requests
        for name in ("url.full", "http.url")
        if name in span.attributes
    }
    base = f"{sandbox.url}/v2/procedures"
    assert addresses == {f"{base}?limit=10&cursor=20", f"{base}?limit=100"}
    assert KEY not in telemetry.text
    assert "secret" not in telemetry.text


@pytest.mark.parametrize(
    "answer",
    [b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", b"", None],
    ids=["not HTTP", "no length", "nothing", "no server"],
)
async def test_a_request_that_fails_does_not_tell_what_is_searched_for(telemetry, answer):
    """aiohttp's own error quotes the whole address. The span has the error of this package."""

    async def reply(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(reply, "127.0.0.1", 0)
    base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    if answer is None:
        server.close()
    traces = [telemetry.trace_config()]
    async with TofuPilotSession(KEY, base_url=base_url, trace_configs=traces, retry=None) as session:
        with pytest.raises(ConnectionFailedError):
            await session.procedures.list(search_query=SECRET)
    (span,) = telemetry.requests
    (event,) = span.events
    assert event.attributes["exception.type"] == "aiotofupilot.errors.ConnectionFailedError"
    assert KEY not in telemetry.text
    assert "secret" not in telemetry.text
    server.close()
    await server.wait_closed()


async def test_a_middleware_that_fails_does_not_tell_what_is_searched_for(sandbox, telemetry):
    """It runs before the key is added."""

    async def fail(request, handler):
        raise OSError("of the middleware")

    traces = [telemetry.trace_config()]
    async with (
        aiohttp.ClientSession(trace_configs=traces, middlewares=[fail]) as http_session,
        TofuPilotSession(KEY, base_url=sandbox.url, http_session=http_session, retry=None) as session,
    ):
        with pytest.raises(ConnectionFailedError):
            await session.procedures.list(search_query=SECRET)
    (span,) = telemetry.requests
    assert span.attributes["http.url"] == f"{sandbox.url}/v2/procedures?limit=100"
    assert "secret" not in telemetry.text


async def test_a_span_that_is_not_the_requests_is_left_alone(sandbox, telemetry):
    """Nobody instruments aiohttp here, and so the current span is the walk's or the user's own."""
    address = {"url.full": "https://user.example/nightly?search_query=mine"}
    async with TofuPilotSession(KEY, base_url=sandbox.url) as session:
        tracer = telemetry.tracers.get_tracer("test")
        with tracer.start_as_current_span("own", kind=SpanKind.CLIENT, attributes=address):
            await session.procedures.list(limit=10)
            await session.procedures.list(max_items=10).collect()
    assert [span.attributes.get("url.full") for span in telemetry.spans] == [None, address["url.full"]]


async def test_without_opentelemetry_a_request_goes_its_way(sandbox, monkeypatch):
    monkeypatch.setattr("aiotofupilot._otel.tracer", lambda: None)
    async with TofuPilotSession(KEY, base_url=sandbox.url, retry=RetryPolicy(initial_wait=0)) as session:
        sandbox.faults.next(status(503), status(429, retry_after=0))
        assert len(await session.procedures.list().collect()) == 40
        assert len([page async for page in session.procedures.list(limit=15).pages()]) == 3
    assert not trace.get_current_span().get_span_context().is_valid
