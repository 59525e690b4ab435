"""The key is sent to the server, and shows nowhere else, whatever goes wrong.

- The key is in no repr, error, cause, note, pickle, log record, output or help, wherever a server repeats it, as it
  is or escaped as in JSON or a URL.
"""

import gc
import logging

import aiohttp
import pytest
from fakes import faults
from fakes.budget import NIGHTLY
from fakes.shown import texts

from aiotofupilot import RetryPolicy, TofuPilotError, TofuPilotSession
from aiotofupilot.cli import run
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.testing import serve

KEY = "tp_user_5f2c8e9d7b1a"
LIMIT = 1024 * 1024
"""Bytes of a response here, a fraction of what they are for users."""


def assert_hidden(*values):
    for value in values:
        shown = list(texts(value))
        assert shown
        for text in shown:
            assert KEY not in text


@pytest.fixture(autouse=True)
def every_record(caplog):
    """Of every logger and level; none of them has the key."""
    caplog.set_level(logging.DEBUG)
    yield
    for record in caplog.get_records("call"):
        assert KEY not in record.getMessage()
        assert_hidden(record.args, record.exc_info, record.stack_info)


@pytest.fixture
async def sandbox():
    async with Sandbox(procedures=30, api_key=KEY) as sandbox:
        yield sandbox


@pytest.fixture
async def http_session():
    async with aiohttp.ClientSession() as http_session:
        yield http_session


EVERY_FAULT = [
    *faults.TRANSIENT,
    faults.status(400),
    faults.status(401),
    faults.status(403),
    faults.status(404),
    faults.status(429, retry_after=3600),
    faults.json({"data": [{}]}),
    faults.stall(1000),
    faults.stall(1000, inside_body=True),
    faults.gzip() + faults.cut(),
    faults.gzip_bomb(2 * LIMIT),
    faults.oversized(2 * LIMIT),
    faults.header_flood(),
    faults.redirect(),
    faults.redirect("https://tofu.example.com/"),
]


@pytest.mark.parametrize(
    ("fault", "handed_in"),
    [
        (fault, is_odd)
        for at, fault in enumerate(EVERY_FAULT)
        for is_odd in (False, True)
        if NIGHTLY or at % 2 == is_odd
    ],
    ids=repr,
)
async def test_no_error_holds_the_key(sandbox, http_session, fault, handed_in, caplog, monkeypatch):
    """The key is not in the text, attributes, notes, pickle, causes and traceback, nor in the log."""
    sandbox.faults.always(fault)
    session = TofuPilotSession(
        KEY,
        base_url=sandbox.url,
        timeout=0.1,
        retry=RetryPolicy(attempts=2, initial_wait=0, max_elapsed=0.3),
        max_body=LIMIT,
        http_session=http_session if handed_in else None,
    )
    async with session, session.procedures.list(concurrency=4).walk() as walk:
        with pytest.raises(TofuPilotError) as caught:
            await anext(walk)
        assert_hidden(caught.value, session, walk, walk.checkpoint, walk.stats)
    assert any(record.name == "aiotofupilot" for record in caplog.records) or caught.value.attempts == 1
    gc.collect()


async def test_no_object_shows_the_key(sandbox):
    """Sessions, views, listings, walks and pages: in their repr, and in what they are made of."""
    async with TofuPilotSession(f"Bearer {KEY}", base_url=sandbox.url) as session:
        view = session.with_options(timeout=1)
        listing = view.procedures.list()
        walk = listing.walk()
        page = await listing
        first = await anext(walk)
        assert_hidden(session, view, view.procedures, view.procedures.connection, listing, walk, page, first)


async def test_the_context_that_tracing_gets_is_empty(sandbox):
    """aiohttp itself also hands the headers of the request to a trace."""
    contexts = []

    async def see(http_session, context, params):
        contexts.append(context)

    trace = aiohttp.TraceConfig()
    for signal in (trace.on_request_start, trace.on_request_end, trace.on_request_exception):
        signal.append(see)
    sandbox.faults.next(faults.reset())
    async with TofuPilotSession(
        KEY, base_url=sandbox.url, trace_configs=[trace], retry=RetryPolicy(initial_wait=0)
    ) as session:
        await session.procedures.list()
    assert len(contexts) == 4
    for context in contexts:
        assert context.trace_request_ctx is None
        assert_hidden(vars(context))


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--help"], None),
        (["procedures", "--help"], None),
        (["procedures", "--format", "jsonl"], None),
        (["procedures", "--nonsense"], None),
        (["procedures", "--page-size", "0"], None),
        (["procedures"], faults.status(401)),
        (["procedures"], faults.status(400)),
        (["procedures"], faults.json([])),
        (["procedures"], faults.redirect("https://tofu.example.com/")),
        (["procedures", "--api-key", KEY], faults.status(403)),
        (["procedures", "--api-key", f"{KEY}\n"], None),
        (["procedures", "--api-key", KEY, "--base-url", "http://tofu.example.com"], None),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else None,
)
def test_the_command_shows_no_key(monkeypatch, capfd, arguments, fault):
    """The key is not in the output, the errors or the help, wherever it comes from."""
    with serve(Sandbox(procedures=30, api_key=KEY)) as sandbox:
        if fault is not None:
            sandbox.faults.always(fault)
        monkeypatch.setenv("TOFUPILOT_API_KEY", KEY)
        monkeypatch.setenv("TOFUPILOT_URL", sandbox.url)
        run(arguments)
    output, errors = capfd.readouterr()
    assert output or errors
    assert KEY not in output + errors
