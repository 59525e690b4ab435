"""`get` against a bare server: what was sent, what the official SDK reads from the same bytes, and errors.

- `get` reads every value that the official SDK reads, and what it refuses: a log line without a file, a series with
  null.
- Any text as a key arrives as it is, or is refused before anything is sent; an unknown key is named.
"""

import asyncio
import re
from urllib.parse import unquote

import pytest
from fakes.raw_server import Listener, http
from fakes.wire_details import EXAMPLES, PATHS
from msgspec import json

from aiotofupilot import ForbiddenError, NotFoundError, ServerError, TofuPilotSession, to_wire
from aiotofupilot.listings import NAMES, Detailed, listing_class

KEY = "a-key-of-the-organization"
DETAILED = [name for name in NAMES if issubclass(listing_class(name), Detailed)]
NOT_FOUND = {"message": "Not found", "code": "NOT_FOUND", "issues": []}
FORBIDDEN = {"message": "Forbidden", "code": "FORBIDDEN"}


class Server(Listener):
    """Writes down the target of each request as it was sent, and answers with an example of the path."""

    def __init__(self):
        super().__init__()
        self.targets, self.headers = [], []
        self.answers = []
        """Statuses and bodies that come first."""
        self.example = 0

    def found(self, target):
        """Return the example for a target, as the API would match it."""
        for name in sorted(PATHS, key=lambda name: "{" in PATHS[name]):  # /stations/current before /stations/{id}
            if re.fullmatch("/api" + re.sub(r"{\w+}", "[^/]+", PATHS[name]), target):
                return 200, EXAMPLES[name][min(self.example, len(EXAMPLES[name]) - 1)]
        return 404, NOT_FOUND

    async def serve(self, reader, writer):
        while head := await reader.readuntil(b"\r\n\r\n"):
            self.headers.append(head.decode())
            self.targets.append(self.headers[-1].split(" ")[1])
            status, body = self.answers.pop(0) if self.answers else self.found(self.targets[-1])
            body = body if isinstance(body, bytes) else json.encode(body)
            kind = "text/html" if body.startswith(b"<") else "application/json"
            writer.write(http(body, f"Content-Type: {kind}", status=f"{status} S"))
            await writer.drain()


@pytest.fixture
async def server():
    server = Server()
    await server.start(server.serve)
    server.url = f"http://127.0.0.1:{server.port}/api"
    yield server
    await server.stop()


@pytest.fixture
async def session(server):
    async with TofuPilotSession(KEY, base_url=server.url) as session:
        yield session


OPERATIONS = {
    **{name: (name, "get", ("x-1",)) for name in DETAILED},
    "versions": ("procedures", "get_version", ("p-1", "v3.2.0")),
    "revisions": ("parts", "get_revision", ("INV-MAIN", "C")),
    "station_current": ("stations", "current", ()),
    "user_current": ("users", "current", ()),
}
OFFICIAL = {
    "versions": ("procedures.versions.get", {"procedure_id": "p-1", "tag": "v3.2.0"}),
    "revisions": ("parts.revisions.get", {"part_number": "INV-MAIN", "revision_number": "C"}),
    "station_current": ("stations.get_current", {}),
    "user_current": ("users.get_current", {}),
    "units": ("units.get", {"serial_number": "x-1"}),
    "parts": ("parts.get", {"number": "x-1"}),
    "batches": ("batches.get", {"number": "x-1"}),
}
OFFICIAL |= {name: (f"{name}.get", {"id": "x-1"}) for name in OPERATIONS if name not in OFFICIAL}
"""What the official SDK is asked for."""


async def ours(session, name):
    listing, method, keys = OPERATIONS[name]
    return await getattr(getattr(session, listing), method)(*keys)


def within(theirs, mine):
    """Yield the paths of what the official SDK reads and this client does not, value for value."""
    if isinstance(theirs, dict):
        for key, value in theirs.items():
            yield from (f".{key}{path}" for path in within(value, mine.get(key)))
    elif isinstance(theirs, list):
        assert len(theirs) == len(mine)
        for at, pair in enumerate(zip(theirs, mine, strict=True)):
            yield from (f"[{at}]{path}" for path in within(*pair))
    elif theirs != mine:
        yield f": {theirs!r} != {mine!r}"


def test_every_detail_of_the_api_is_there():
    """Whoami is a method of the session itself, and has a test of its own."""
    assert {*OPERATIONS, "whoami"} == {*EXAMPLES}
    assert {*NAMES} - {*DETAILED} == {"users"}


@pytest.mark.parametrize("example", [0, 1])
async def test_it_is_what_the_official_sdk_reads(server, session, official_sdk, example):
    """From the same bytes of the same path, every value that the SDK has."""
    server.example = example
    found = [await ours(session, name) for name in OFFICIAL]
    asked = [(KEY, *what) for what in OFFICIAL.values()]
    read = await asyncio.to_thread(official_sdk.ask, "official_sdk_details.py", server.url, asked=asked)
    assert server.targets == [f"/api{path_of(name)}" for name in OFFICIAL] * 2
    times = re.compile(r'"\d{4}-\d\d-\d\dT[^"]*"|"P\w+[^"]*"')  # the SDK writes them in other words
    for name, item, theirs in zip(OFFICIAL, found, read, strict=True):
        wire = EXAMPLES[name][min(example, len(EXAMPLES[name]) - 1)]
        assert [*within(wire, json.decode(json.encode(to_wire(item))))] == [], name
        assert json.decode(times.sub('""', json.encode(theirs).decode())) == json.decode(
            times.sub('""', json.encode(wire).decode())
        ), name


def path_of(name):
    keys = iter(OPERATIONS[name][2])
    return re.sub(r"{\w+}", lambda _: next(keys), PATHS[name])


SENT = {
    "SN 1": "SN%201",
    "a/b": "a%2Fb",
    "a?b": "a%3Fb",
    "a#b": "a%23b",
    "a%2Fb": "a%252Fb",
    "a%b": "a%25b",
    "a+b": "a%2Bb",
    "a:b": "a%3Ab",
    "é": "%C3%A9",
    "序列": "%E5%BA%8F%E5%88%97",
    "a\\b": "a%5Cb",
    "...": "...",
    ".a": ".a",
    "%2E%2E": "%252E%252E",
    "a;b=c&d,e@f!$'()*": "a%3Bb%3Dc%26d%2Ce%40f%21%24%27%28%29%2A",
    "A-Za.z_0~9": "A-Za.z_0~9",
    " ": "%20",
    "a\r\nHost: x": "a%0D%0AHost%3A%20x",
}


class TestKey:
    @pytest.mark.parametrize(("serial_number", "sent"), SENT.items(), ids=ascii)
    async def test_any_text_arrives_as_it_is(self, server, session, serial_number, sent):
        """The official SDK encodes nothing, so it reads another unit. The server decodes one segment."""
        await session.units.get(serial_number)
        assert server.targets == [f"/api/v2/units/{sent}"]
        assert unquote(server.targets[0].rsplit("/", 1)[1], errors="strict") == serial_number

    async def test_two_keys_are_two_segments(self, server, session):
        await session.procedures.get_version("p/1", "v 1/2")
        await session.parts.get_revision("a?b", "#1")
        assert server.targets == ["/api/v2/procedures/p%2F1/versions/v%201%2F2", "/api/v2/parts/a%3Fb/revisions/%231"]

    @pytest.mark.parametrize("text", ["", ".", "..", "a\ud800"])
    async def test_what_no_address_can_hold_is_refused_before_sending(self, server, session, text):
        """The empty text would get the listing, and the dots another path."""
        refused = {
            "id": session.runs.get(text),
            "serial_number": session.units.get(text),
            "number": session.batches.get(text),
            "procedure_id": session.procedures.get_version(text, "v1"),
            "tag": session.procedures.get_version("p", text),
            "part_number": session.parts.get_revision(text, "A"),
            "revision_number": session.parts.get_revision("p", text),
        }
        for parameter, get in refused.items():
            with pytest.raises(ValueError, match=f"^{parameter} must be a text that ") as caught:
                await get
            assert str(caught.value).endswith(f", got {text!r}")
            assert caught.value.parameter == parameter
        assert server.targets == []

    @pytest.mark.parametrize("key", [None, 5, b"x", ["x"]])
    async def test_a_wrong_type_is_refused(self, server, session, key):
        with pytest.raises(TypeError, match=f"^number must be a string, got {re.escape(repr(key))}$"):
            await session.parts.get(key)
        assert server.targets == []


class TestErrors:
    @pytest.mark.parametrize(
        ("name", "answer", "error", "hint"),
        [
            *((name, NOT_FOUND, NotFoundError, f"the {name} have no 'x-1'") for name in DETAILED),
            ("versions", NOT_FOUND, NotFoundError, "the procedures have no 'p-1', or it has no version 'v3.2.0'"),
            ("revisions", NOT_FOUND, NotFoundError, "the parts have no 'INV-MAIN', or it has no revision 'C'"),
            ("station_current", NOT_FOUND, NotFoundError, "the server is too old to say whose key this is"),
            ("user_current", NOT_FOUND, NotFoundError, "the server is too old to say whose key this is"),
            ("station_current", FORBIDDEN, ForbiddenError, "only a station's key has "),
            ("station_current", FORBIDDEN, ForbiddenError, ": use session.users.current() for"),
            ("user_current", FORBIDDEN, ForbiddenError, "only a user's key has "),
            ("user_current", FORBIDDEN, ForbiddenError, ": use session.stations.current() for"),
            ("stations", FORBIDDEN, ForbiddenError, "some servers let only a user's key read a station"),
            (
                "runs",
                FORBIDDEN,
                ForbiddenError,
                "does not let the key given as api_key read this: use a user's key",
            ),
        ],
    )
    async def test_what_is_not_there_or_forbidden_is_named(self, server, session, name, answer, error, hint):
        """The server's own message does not say what was not found, or which key may read it."""
        server.answers = [(404 if error is NotFoundError else 403, answer)]
        with pytest.raises(error, match=f"{answer['message']}; ") as caught:
            await ours(session, name)
        assert hint in caught.value.hint
        since_lately = name in {"deployments", "logs", "measurements", "phases"} or "current" in name
        assert ("too old" in caught.value.hint) == (since_lately and error is NotFoundError)

    @pytest.mark.parametrize("status", [403, 404])
    async def test_an_error_of_something_in_between_is_not_taken_for_the_api(self, server, session, status):
        """A wrong address gets a page of HTML, and the item may be there."""
        server.answers = [(status, b"<html>nothing here</html>")]
        with pytest.raises((NotFoundError, ForbiddenError)) as caught:
            await session.stations.get("x")
        assert "have no 'x'" not in str(caught.value)
        assert server.url.removesuffix("/api") in caught.value.hint

    async def test_what_may_pass_is_tried_again(self, server, session, caplog):
        server.answers = [(503, {"message": "Later", "code": "X"}), (500, b""), (200, b"{")]
        assert (await session.runs.get("x")).id == EXAMPLES["runs"][0]["id"]
        assert len(server.targets) == 4
        (told, *_) = caplog.records
        assert told.getMessage().startswith("one of the runs: attempt 1 failed after ")
        assert (told.tofupilot_listing, told.tofupilot_cursor) == ("runs", None)
        server.answers = [(503, {"message": "Later", "code": "X"})]
        with pytest.raises(ServerError, match="Later"):
            await session.with_options(retry=None).runs.get("x")
