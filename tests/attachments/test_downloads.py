"""Attachments as files: from the sandbox's storage, and from one that lies.

- A storage of attachments gets no key, cookie or header of the session or of your aiohttp session; only on this
  machine may it be plain HTTP.
- A downloaded file is complete, and is not requested again; it is resumed only with the rest of the same file; an
  expired address is read again once.
- Where an open file can be neither moved nor removed, as on Windows, files are written, and the error says what went
  wrong.
- Two downloads of one file, or two runs of the command, do not disturb each other.
- No symbolic link beside a file that is being written is followed, and no pipe there is waited for.
"""

import asyncio
import errno
import fcntl
import logging
import os
import random
import ssl
import threading
import weakref
from contextlib import suppress
from functools import partialmethod
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest
from fakes import disk, faults
from fakes.disks import every_call
from fakes.proxies import AUTHORITY, Proxy, with_tls
from fakes.raw_server import and_then, hang, hang_up, http
from fakes.shown import chain, texts
from tenacity import AsyncRetrying, stop_after_attempt

from aiotofupilot import (
    APIError,
    Attachment,
    AttachmentError,
    CertificateError,
    NotFoundError,
    ProxyError,
    RateLimitedError,
    RequestTimeoutError,
    RetryPolicy,
    ServerError,
    SessionError,
    TofuPilotSession,
)
from aiotofupilot.listings import Runs
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.storage import contents

KEY = "tofu_0123456789abcdef"
SIGNATURE = "5ecret-5ignature"
DATA = random.Random(1).randbytes(3 * 1024 * 1024 + 17)  # noqa: S311 - test data
HALF = len(DATA) // 2
ETAG = 'ETag: "one"'
NO_HOSTS = ["a..b", ".a", "xn--", "a" * 64, "[a:b]"]
"""What cannot be looked up."""
HERE = "http://127.0.0.1"
"""A server on this machine that nobody asks."""


def whole(data=DATA, *headers):
    return http(data, ETAG, *headers)


def chunked(data):
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (data, b""))
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body


def cut(at=HALF, answer=None, end=hang_up):
    """The whole file is announced, and a part of it comes. The client has read it before the server hangs up."""
    head, _, data = (answer or whole()).partition(b"\r\n\r\n")

    async def write(writer):
        before, count = sum(TAKEN), len(data[:at])
        writer.write(head + b"\r\n\r\n" + data[:at])
        await writer.drain()
        while sum(TAKEN) - before < count:  # noqa: ASYNC110 - what is left in its buffer would be lost
            await asyncio.sleep(0.001)
        await end(writer)

    return write


TAKEN = []
"""How many bytes were taken at once."""


@pytest.fixture(autouse=True)
def counted(monkeypatch):
    disk.at(monkeypatch, "write", lambda data: TAKEN.append(len(data)))
    TAKEN.clear()


def rest(server, data=DATA, *, shift=0, length=None, total=None, at=None, end=hang_up, etag=ETAG):
    """The rest that was asked for, or another part; broken off after some bytes."""

    async def write(writer):
        start = int(fields(server.requests[-1])["Range"].removeprefix("bytes=").removesuffix("-")) + shift
        stop = len(data) if length is None else start + length
        span = f"Content-Range: bytes {start}-{stop - 1}/{total or len(data)}"
        answer = http(data[start:stop], etag, span, status="206 Partial Content")
        if at is None:
            writer.write(answer)
            await writer.drain()
        else:
            await cut(at, answer, end)(writer)

    return write


def fields(request):
    return dict(line.split(": ", 1) for line in request.strip().split("\r\n")[1:])


def ranges(server):
    return [fields(request).get("Range") for request in server.requests]


@pytest.fixture
async def sandbox():
    async with Sandbox(5, runs=8, seed=2, api_key=KEY) as sandbox:
        yield sandbox


@pytest.fixture
async def session():
    async with TofuPilotSession(KEY, base_url=HERE, retry=RetryPolicy(initial_wait=0)) as session:
        yield session


@pytest.fixture
async def account(sandbox):
    async with TofuPilotSession(KEY, base_url=sandbox.url, retry=RetryPolicy(initial_wait=0)) as session:
        yield session


@pytest.fixture
async def attachments(account):
    """Those of the sandbox that have an address."""
    runs = await account.runs.list().details().collect()
    return [one for run in runs for one in run.attachments if one.download_url]


@pytest.fixture
def storage(server):
    """A storage of attachments."""
    return server


def given(server, path="/vault/k%7Ey+1.bin", **changes):
    """An attachment that lies in a storage."""
    address = f"{server if isinstance(server, str) else server.origin}{path}?Signature={SIGNATURE}%2F%7e&Expires=1"
    options = {"id": "7a1c", "name": "trace.bin", "size": 0, "content_type": None, "owner": None}
    return Attachment(**options | {"download_url": address} | changes)


def parts(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def stored(sandbox):
    return [request for request in sandbox.requests if request.path.startswith("/storage/")]


class TestFile:
    async def test_it_lies_under_its_run(self, account, attachments, tmp_path):
        attachment = attachments[0]
        path = await account.download(attachment, tmp_path)
        assert path == tmp_path / attachment.owner[1] / f"{attachment.id}-{attachment.name}"
        assert path.read_bytes() == contents(attachment.id)
        assert list(path.parent.iterdir()) == [path]

    async def test_one_that_is_there_costs_no_request(self, account, sandbox, attachments, tmp_path):
        path = await account.download(attachments[0], tmp_path / "a" / "b")
        count = len(sandbox.requests)
        assert await account.download(attachments[0], str(tmp_path / "a" / "b")) == path
        assert len(sandbox.requests) == count

    async def test_it_can_be_empty(self, session, storage, tmp_path):
        storage.answers = [http(b"")]
        path = await session.download(given(storage), tmp_path)
        assert path.read_bytes() == b""

    @pytest.mark.parametrize(
        "answer",
        [
            chunked(DATA),
            http(DATA, "Content-Encoding: aws-chunked", ETAG),
            http(DATA, "Content-Encoding: utf-8", ETAG),
        ],
        ids=["chunked", "not encoded", "unknown encoding"],
    )
    async def test_the_way_of_the_transfer_does_not_matter(self, session, storage, tmp_path, answer):
        storage.answers = [answer]
        assert (await session.download(given(storage), tmp_path)).read_bytes() == DATA

    async def test_max_body_does_not_bound_it(self, storage, tmp_path):
        storage.answers = [whole()]
        async with TofuPilotSession(KEY, base_url=HERE, max_body=1000) as session:
            assert (await session.download(given(storage), tmp_path)).read_bytes() == DATA

    @pytest.mark.parametrize(
        "answer",
        [http(b"x" * 42, ETAG), chunked(b"x" * 42)],
        ids=["announced", "chunked"],
    )
    async def test_one_of_another_size_is_not_kept(self, session, storage, tmp_path, answer):
        """Such as the login page of a network, which would pass for the attachment from then on."""
        storage.answers = [answer, whole()]
        attachment = given(storage, size=len(DATA))
        message = rf"^200: the storage sent 42 bytes, but attachment '7a1c' has {len(DATA)}; perhaps it is"
        with pytest.raises(APIError, match=message):
            await session.download(attachment, tmp_path)
        assert (parts(tmp_path), len(storage.requests)) == ([], 1)
        assert (await session.download(attachment, tmp_path)).read_bytes() == DATA

    @pytest.mark.parametrize("size", [len(DATA), float(len(DATA)), 0, None])
    async def test_a_size_that_is_known_is_that_of_the_file(self, session, storage, tmp_path, size):
        """0 proves nothing: it is the size of an upload whose end was not announced."""
        storage.answers = [whole()]
        assert (await session.download(given(storage, size=size), tmp_path)).read_bytes() == DATA

    async def test_a_new_address_comes_with_the_size(self, session, storage, tmp_path, monkeypatch):
        """Of an upload that has ended since."""

        async def renewed_run(_, key):
            return SimpleNamespace(attachments=[given(storage, size=len(DATA))])

        monkeypatch.setattr(Runs, "get", renewed_run)
        storage.answers = [http(b"", status="403 Forbidden"), whole()]
        attachment = given(storage, size=42, owner=("runs", "4b1d"))
        assert (await session.download(attachment, tmp_path)).read_bytes() == DATA

    @pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "Deflate", "br", "zstd", "gzip, aws-chunked"])
    async def test_one_that_is_compressed_is_refused(self, session, storage, tmp_path, encoding):
        """Nothing shows where such a body was cut, and its parts cannot be requested."""
        storage.answers = [http(b"x", f"Content-Encoding: {encoding}")]
        message = rf"^200: the storage sent attachment '7a1c' as {encoding.lower()}, although no compression"
        with pytest.raises(APIError, match=message):
            await session.download(given(storage), tmp_path)
        assert (parts(tmp_path), len(storage.requests)) == ([], 1)

    async def test_no_other_place_is_written_to(self, session, storage, tmp_path):
        storage.answers = [http(b"x")]
        attachment = given(storage, name="../../../etc/passwd", owner=("units", "../.."))
        path = await session.download(attachment, tmp_path / "in")
        assert path.resolve().is_relative_to(tmp_path / "in")
        assert parts(tmp_path) == [path.name]

    async def test_a_link_beside_its_place_is_not_followed(self, session, storage, tmp_path):
        storage.answers = [whole()]
        outside = tmp_path / "outside"
        outside.write_bytes(b"kept")
        folder = tmp_path / "in"
        folder.mkdir()
        (folder / "7a1c-trace.bin.part").symlink_to(outside)
        with pytest.raises(OSError, match="symbolic links"):
            await session.download(given(storage), folder)
        assert outside.read_bytes() == b"kept"
        assert storage.requests == []

    async def test_a_pipe_beside_its_place_is_not_waited_for(self, session, storage, tmp_path):
        os.mkfifo(tmp_path / "7a1c-trace.bin.part")
        with pytest.raises(OSError, match=r"not a regular file: .*7a1c-trace\.bin\.part'$"):
            await session.download(given(storage), tmp_path)
        assert storage.requests == []


class TestAddress:
    async def test_one_that_has_expired_is_read_again(self, account, sandbox, tmp_path):
        sandbox.storage.lifetime = -1.0
        runs = await account.runs.list().details().collect()
        expired = next(one for run in runs for one in run.attachments if one.download_url)
        sandbox.storage.lifetime = 300.0
        path = await account.download(expired, tmp_path)
        assert path.read_bytes() == contents(expired.id)
        assert [request.status for request in stored(sandbox)] == [403, 200]

    async def test_it_is_read_again_once(self, account, sandbox, attachments, tmp_path):
        sandbox.storage.lifetime = -1.0
        (expired,) = [
            one for one in (await account.runs.get(attachments[0].owner[1])).attachments if one == attachments[0]
        ]
        with pytest.raises(APIError, match=r"^403: the storage did not send the file") as caught:
            await account.download(expired, tmp_path)
        assert (type(caught.value), caught.value.hint) == (APIError, None)
        assert [request.status for request in stored(sandbox)] == [403, 403]
        assert parts(tmp_path) == []

    async def test_a_unit_has_new_ones_too(self, account, sandbox, tmp_path):
        """The folder is named after its serial number."""
        units = await account.units.list().details().collect()
        one = next(one for unit in units for one in unit.attachments if one.download_url)
        without = Attachment(id=one.id, name=one.name, size=None, content_type=None, owner=one.owner)
        path = await account.download(without, tmp_path)
        assert path.parent.name == one.owner[1]
        assert path.read_bytes() == contents(one.id)
        assert len(stored(sandbox)) == 1

    @pytest.mark.parametrize("status", [400, 401, 404, 410])
    async def test_storages_refuse_in_many_ways(self, account, sandbox, attachments, storage, tmp_path, status):
        attachment = attachments[0]
        storage.answers = [http(b"", status=f"{status} Gone")]
        path = await account.download(given(storage, id=attachment.id, owner=attachment.owner), tmp_path)
        assert path.read_bytes() == contents(attachment.id)

    async def test_without_an_owner_there_is_no_other(self, session, storage, tmp_path):
        storage.answers = [http(b"", status="403 Forbidden")]
        with pytest.raises(APIError, match=r"^403: the storage did not send the file; if the address"):
            await session.download(given(storage), tmp_path)

    async def test_a_run_that_has_none(self, account, tmp_path):
        runs = await account.runs.list().details().collect()
        one = next(one for run in runs for one in run.attachments if not one.download_url)
        with pytest.raises(AttachmentError, match=r"no address for .* of run '.*'; perhaps its upload has not ended$"):
            await account.download(one, tmp_path)
        with pytest.raises(AttachmentError, match=r"^run '.*' has no attachment 'gone' any more$"):
            await account.download(given("", id="gone", download_url=None, owner=one.owner), tmp_path)
        with pytest.raises(NotFoundError):
            await account.download(given("", download_url=None, owner=("runs", "unknown")), tmp_path)

    @pytest.mark.parametrize(
        ("changes", "error", "message"),
        [
            ({"download_url": None}, ValueError, "attachment must be one with an address or an owner"),
            ({"owner": ("users", "a")}, ValueError, r"attachment.owner must be \(\"runs\", id\) or"),
            (
                {"download_url": f"ftp://127.0.0.1/{SIGNATURE}"},
                AttachmentError,
                "is not the https:// address of a server$",
            ),
            ({"download_url": f"http://tofu.example.com/{SIGNATURE}"}, AttachmentError, "is not the https:// address"),
            ({"download_url": SIGNATURE}, AttachmentError, "is not the https:// address"),
            ({"download_url": f"https:///{SIGNATURE}"}, AttachmentError, "is not the https:// address"),
            ({"download_url": f"https://[{SIGNATURE}"}, AttachmentError, "is not the https:// address"),
            ({"download_url": 5}, AttachmentError, "is not the https:// address"),
            *(
                ({"download_url": f"https://{host}/{SIGNATURE}"}, AttachmentError, "is not the https")
                for host in NO_HOSTS
            ),
        ],
    )
    async def test_what_cannot_be_used_is_refused(self, session, tmp_path, changes, error, message):
        with pytest.raises(error, match=message) as caught:
            await session.download(given("https://x", **changes), tmp_path)
        assert not [text for text in texts(caught.value) if SIGNATURE in text]

    async def test_plain_http_is_for_a_server_on_this_machine(self, storage, tmp_path):
        async with TofuPilotSession(KEY, base_url="https://tofu.example.com") as session:
            with pytest.raises(AttachmentError, match="is not the https:// address"):
                await session.download(given(storage), tmp_path)

    async def test_arguments_are_checked(self, session, storage, tmp_path):
        with pytest.raises(
            TypeError, match=r"attachment must be an Attachment, from the details of a run or a unit, got 'a'"
        ):
            await session.download("a", tmp_path)
        with pytest.raises(TypeError, match="folder must be a string or a path, got 5"):
            await session.download(given(storage), 5)


class TestRequest:
    async def test_the_storage_gets_the_address_as_it_is_and_nothing_else(self, session, storage, tmp_path):
        storage.answers = [cut(1000), rest(storage)]
        attachment = given(storage, download_url=given(storage).download_url.replace("://", "://user:pass@"))
        await session.download(attachment, tmp_path)
        host = f"127.0.0.1:{storage.port}"
        line = f"GET /vault/k%7Ey+1.bin?Signature={SIGNATURE}%2F%7e&Expires=1 HTTP/1.1"
        assert [request.split("\r\n")[0] for request in storage.requests] == [line, line]
        assert [fields(request) for request in storage.requests] == [
            {"Host": host, "Accept-Encoding": "identity"},
            {"Host": host, "Accept-Encoding": "identity", "Range": "bytes=1000-", "If-Range": '"one"'},
        ]

    async def test_an_address_may_have_to_be_encoded(self, session, storage, tmp_path):
        """No line of a header can be smuggled into it."""
        storage.answers = [http(b"x")]
        await session.download(given(storage, "/é\r\nX: y /"), tmp_path)
        assert storage.requests[0].split("?")[0] == "GET /%C3%A9X:%20y%20/"

    async def test_nothing_of_a_users_aiohttp_session_is_sent(self, storage, tmp_path, monkeypatch):
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login user password secret\n")
        monkeypatch.setenv("NETRC", str(netrc))
        seen = []

        async def watch(session, context, params):
            seen.append(str(params.url))

        async def add(request, handler):
            request.headers["X-Own"] = "secret"
            return await handler(request)

        hooks = aiohttp.TraceConfig()
        hooks.on_request_start.append(watch)
        async with aiohttp.ClientSession(
            headers={"X-Own": "secret", "User-Agent": "own"},
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            cookies={"own": "secret"},
            middlewares=[add],
            trace_configs=[hooks],
            trust_env=True,
        ) as own:
            storage.answers = [http(b"x", "Set-Cookie: a=b"), http(b"x")]
            async with TofuPilotSession(KEY, base_url=HERE, http_session=own) as session:
                await session.download(given(storage), tmp_path)
                await session.download(given(storage, id="other"), tmp_path)
            assert not own.closed
        assert [list(fields(request)) for request in storage.requests] == [["Host", "Accept-Encoding"]] * 2
        assert storage.connections == 1  # those of the aiohttp session
        assert seen == []

    async def test_a_redirect_is_not_followed(self, session, storage, tmp_path):
        storage.answers = [http(b"", f"Location: /{SIGNATURE}", status="307 Temporary Redirect")]
        with pytest.raises(APIError, match=r"^307: the storage did not send the file"):
            await session.download(given(storage), tmp_path)
        assert len(storage.requests) == 1

    async def test_the_limiter_is_for_the_api_alone(self, storage, tmp_path):
        storage.answers = [whole()]
        async with TofuPilotSession(KEY, base_url=HERE, limiter=asyncio.Semaphore(0)) as session:
            await session.download(given(storage), tmp_path)

    @pytest.mark.parametrize("source", ["argument", "environment", "the environment of an aiohttp session"])
    async def test_it_goes_through_the_proxy(self, storage, tmp_path, monkeypatch, source):
        """And its certificate is checked."""
        monkeypatch.delenv("no_proxy", raising=False)
        login = "user:p@ss"
        storage.answers = [whole()]
        attachment = given("https://tofu.example.com")
        authority = AUTHORITY.cert_pem.bytes().decode()
        async with with_tls(storage.port) as secure, Proxy(secure, login=login) as proxy:
            options = {"base_url": HERE, "retry": None}
            address = proxy.url.replace("//", "//user:p%40ss@")
            if "environment" in source:
                monkeypatch.setenv("https_proxy", address)
            own = None
            if source == "the environment of an aiohttp session":
                own = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=ssl_context()), trust_env=True)
            else:
                options |= {"ca_cert": authority, "allow_insecure_http": True}
                options |= {"proxy": address} if source == "argument" else {}
            async with TofuPilotSession(KEY, http_session=own, **options) as session:
                assert (await session.download(attachment, tmp_path)).read_bytes() == DATA
            if own is not None:
                await own.close()
            assert proxy.lines == ["CONNECT tofu.example.com:443 HTTP/1.1"]
        assert list(fields(storage.requests[0])) == ["Host", "Accept-Encoding"]

    async def test_an_untrusted_certificate_is_an_error(self, storage, tmp_path):
        async with (
            with_tls(storage.port, "127.0.0.1") as port,
            TofuPilotSession(KEY, base_url=HERE) as session,
        ):
            with pytest.raises(CertificateError):
                await session.download(given(f"https://127.0.0.1:{port}"), tmp_path)

    async def test_a_proxy_that_refuses_is_asked_once(self, tmp_path):
        async with Proxy(1, login="user:other") as proxy:
            options = {"proxy": proxy.url, "allow_insecure_http": True}
            async with TofuPilotSession(KEY, base_url=HERE, **options) as session:
                with pytest.raises(ProxyError, match=r"refused to connect to tofu\.example\.com"):
                    await session.download(given("https://tofu.example.com"), tmp_path)
                with pytest.raises(ProxyError, match=r"refused to connect to 127\.0\.0\.1"):
                    await session.download(given("http://127.0.0.1:1"), tmp_path)
            assert len(proxy.requests) == 2


def ssl_context():
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


class TestResume:
    async def test_the_rest_is_asked_for(self, session, storage, tmp_path):
        storage.answers = [cut(1000), rest(storage, length=4000), rest(storage)]
        assert (await session.download(given(storage), tmp_path)).read_bytes() == DATA
        assert ranges(storage) == [None, "bytes=1000-", "bytes=5000-"]
        assert parts(tmp_path) == ["7a1c-trace.bin"]

    @pytest.mark.parametrize(
        "wrong",
        [
            {"shift": -1},
            {"total": len(DATA) - 1, "length": 10, "shift": len(DATA)},
            {"etag": 'ETag: "two"'},
            {"total": "*"},
            {"etag": "X: y"},
        ],
        ids=["another part", "beyond", "of another file", "of unknown length", "of any file"],
    )
    async def test_after_another_part_everything_is_asked_for(self, session, storage, tmp_path, wrong):
        other = DATA[::-1]
        storage.answers = [cut(), rest(storage, **wrong), cut(HALF, whole(other)), whole(other)]
        assert (await session.download(given(storage), tmp_path)).read_bytes() == other
        assert [bool(asked) for asked in ranges(storage)] == [False, True, False, True]

    @pytest.mark.parametrize(
        "answer", [http(b"x", ETAG, status="206 No"), http(b"", status="416 No")], ids=["no range", "no such part"]
    )
    async def test_without_a_part_everything_is_asked_for(self, session, storage, tmp_path, answer):
        storage.answers = [cut(), answer, whole(DATA[::-1])]
        assert (await session.download(given(storage), tmp_path)).read_bytes() == DATA[::-1]
        assert [bool(asked) for asked in ranges(storage)] == [False, True, False]

    @pytest.mark.parametrize("etag", [ETAG, 'ETag: "two"', "X: y"])
    async def test_the_whole_file_takes_the_place_of_a_part(self, session, storage, tmp_path, etag):
        storage.answers = [cut(), http(DATA[::-1], etag)]
        assert (await session.download(given(storage), tmp_path)).read_bytes() == DATA[::-1]
        assert [bool(asked) for asked in ranges(storage)] == [False, True]

    @pytest.mark.parametrize(
        "answer",
        [
            http(DATA, 'ETag: W/"one"'),
            http(DATA),
            http(DATA, "ETag: one"),
        ],
        ids=["weak", "none", "malformed"],
    )
    async def test_without_a_strong_validator_there_is_no_rest(self, session, storage, tmp_path, answer):
        storage.answers = [cut(HALF, answer), answer]
        assert (await session.download(given(storage), tmp_path)).read_bytes() == DATA
        assert ranges(storage) == [None, None]

    @pytest.mark.parametrize(
        "answer",
        [
            http(b"x", "Content-Range: bytes 0-0/1", status="206 No"),
            http(b"", status="416 No"),
            http(b"", status="204 No Content"),
        ],
    )
    async def test_what_was_not_asked_for_is_refused(self, session, storage, tmp_path, answer):
        storage.answers = [answer]
        with pytest.raises(APIError, match="the storage did not send"):
            await session.download(given(storage), tmp_path)
        assert parts(tmp_path) == []

    async def test_what_another_process_has_left_is_not_gone_on_with(self, session, storage, tmp_path):
        (tmp_path / "7a1c-trace.bin.part").write_bytes(b"of a process that was killed")
        storage.answers = [whole()]
        assert (await session.download(given(storage), tmp_path)).read_bytes() == DATA
        assert (ranges(storage), parts(tmp_path)) == ([None], ["7a1c-trace.bin"])


class TestFailure:
    @pytest.mark.parametrize(
        "answers",
        [
            [cut()],
            [cut(0)],
            [b""],
            [http(DATA, ETAG).replace(b"%d" % len(DATA), b"%d" % (len(DATA) + 1))],
            [http(b"", "Retry-After: 0", status="503 Slow Down")],
            [http(b"", status="500 Error")],
            [http(b"", status="429 Too Many Requests")],
            [http(b"", status="408 Timeout")],
        ],
        ids=["cut", "at once", "nothing", "wrong length", "503", "500", "429", "408"],
    )
    async def test_it_is_tried_again(self, session, storage, tmp_path, answers):
        storage.answers = [and_then(one, hang_up) if isinstance(one, bytes) else one for one in answers] + [whole()]
        path = await session.download(given(storage), tmp_path)
        assert path.read_bytes() == DATA
        assert len(storage.requests) == 2

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            (http(b"<Error><Code>SlowDown</Code></Error>", status="503 No"), ServerError),
            (http(b"", status="500 No"), ServerError),
            (http(b"", status="429 No"), RateLimitedError),
            (http(b"", status="408 No"), ServerError),
        ],
        ids=["503", "500", "429", "408"],
    )
    async def test_not_for_ever(self, session, storage, tmp_path, answer, error):
        storage.answers = [answer] * 1000
        with pytest.raises(error) as caught:  # with waits, because without them an outage takes two minutes
            await session.with_options(retry=RetryPolicy()).download(given(storage), tmp_path)
        assert caught.value.attempts == len(storage.requests) > 5
        assert parts(tmp_path) == []

    async def test_a_storage_that_does_not_say_where_a_file_ends_is_asked_once(self, session, storage, tmp_path):
        """It does so each time, and while it counts as down, other files would wait."""
        storage.answers = [and_then(b"HTTP/1.1 200 OK\r\n\r\n" + DATA[:100], hang_up)] * 2
        with pytest.raises(APIError, match=r"^200: the storage does not say where attachment '7a1c' ends"):
            await session.download(given(storage), tmp_path)
        assert (len(storage.requests), parts(tmp_path)) == (1, [])

    async def test_no_error_names_another_file(self, storage, tmp_path):
        """In an outage, those that wait get the error of the one that asks for all."""
        storage.answers = [http(b"", status="503 No")] * 1000
        policy = RetryPolicy(initial_wait=0.01, max_wait=0.01, max_elapsed=0.1)
        async with TofuPilotSession(KEY, base_url=HERE, retry=policy) as session:
            waiting = [given(storage, id=f"scope {number}") for number in range(3)]
            downloading = (session.download(attachment, tmp_path) for attachment in waiting)
            found = await asyncio.gather(*downloading, return_exceptions=True)
        assert len(found) == 3
        for error in found:
            assert str(error).startswith("503: the storage did not send the file")

    async def test_a_controller_of_the_users_own_decides(self, storage, tmp_path):
        controller = AsyncRetrying(stop=stop_after_attempt(3), reraise=True)
        storage.answers = [cut(), rest(storage, at=1000), rest(storage), *[http(b"", status="500 No")] * 3]
        async with TofuPilotSession(KEY, base_url=HERE, retry=controller) as session:
            assert (await session.download(given(storage), tmp_path)).read_bytes() == DATA
            with pytest.raises(ServerError):
                await session.download(given(storage, id="b"), tmp_path)
        assert ranges(storage) == [None, f"bytes={HALF}-", f"bytes={HALF + 1000}-", None, None, None]

    async def test_the_timeout_limits_silence(self, storage, tmp_path):
        async def drip(writer):
            for at in range(0, 100, 10):
                writer.write(DATA[at : at + 10])
                await asyncio.sleep(0.06)

        storage.answers = [and_then(http(DATA[:100]).removesuffix(DATA[:100]), drip), hang, and_then(cut, hang)]
        async with TofuPilotSession(KEY, base_url=HERE, timeout=0.5, retry=None) as session:
            assert (await session.download(given(storage), tmp_path)).read_bytes() == DATA[:100]
            with pytest.raises(RequestTimeoutError, match=r"no byte of attachment 'b' arrived within 0\.5 s$"):
                await session.download(given(storage, id="b"), tmp_path)

    async def test_an_outage_of_the_storage_is_none_of_the_server(self, account, storage, tmp_path):
        storage.answers = [http(b"", "Retry-After: 50", status="503 No")] * 9
        with pytest.raises(ServerError):
            await account.with_options(retry=None).download(given(storage), tmp_path)
        assert account._connection.down_since is None
        assert account._connection.throttle.rest() == 0.0
        assert account._connection.storages[storage.origin].rest() > 0.0
        await account.procedures.list()

    @pytest.mark.parametrize("is_killed", [False, True], ids=["fails", "killed"])
    async def test_a_disk_that_fails_at_any_call(self, session, storage, tmp_path, is_killed):
        """Or a process that is killed there. What is in its place is whole."""
        folder, data, session = tmp_path / "folder", DATA[: 2 * 1024 * 1024], session.with_options(retry=None)
        for failing in every_call(folder, is_killed=is_killed):
            storage.answers = [whole(data)]
            with failing:
                await session.download(given(storage), folder)
            place = folder / "7a1c-trace.bin"
            assert not place.exists() or place.read_bytes() == data, failing.calls
            storage.answers = [whole(data)]
            assert (await session.download(given(storage), folder)).read_bytes() == data, failing.calls
            assert parts(folder)[0] == place.name, failing.calls

    async def test_a_timeout_of_the_disk_is_the_disks(self, session, storage, tmp_path, monkeypatch):
        def write(*_):
            raise TimeoutError(errno.ETIMEDOUT, "the share is gone")

        disk.at(monkeypatch, "write", write)
        storage.answers = [whole()]
        with pytest.raises(TimeoutError, match="the share is gone"):
            await session.download(given(storage), tmp_path)

    @pytest.mark.parametrize("whose", ["session", "aiohttp session"])
    async def test_closing_ends_it(self, storage, tmp_path, whose):
        storage.answers = [and_then(whole()[:1000], hang)]
        async with aiohttp.ClientSession() as own:
            session = TofuPilotSession(KEY, base_url=HERE, http_session=own)
            downloading = asyncio.create_task(session.download(given(storage), tmp_path))
            await storage.asked.wait()
            await (session if whose == "session" else own).close()
            with pytest.raises(SessionError, match="closed"):
                await downloading
            with pytest.raises(SessionError, match="closed"):
                await session.download(given(storage), tmp_path)

    async def test_closing_ends_the_wait_for_another_address(self, sandbox, attachments, tmp_path, until):
        sandbox.faults.on(lambda request: request.path.startswith("/api/")).always(faults.stall(60))
        async with TofuPilotSession(KEY, base_url=sandbox.url) as session:
            without = given("", download_url=None, owner=attachments[0].owner)
            before = asyncio.all_tasks()
            downloading = asyncio.create_task(session.download(without, tmp_path))
            count = len(sandbox.requests)
            await until(lambda: len(sandbox.requests) > count)
            await session.close()
            with pytest.raises(SessionError, match="closed meanwhile"):
                await downloading
            assert not ours(before)
            assert parts(tmp_path) == []


class TestCancelling:
    async def test_at_any_await_nothing_is_left(self, session, storage, tmp_path):
        before, path, tried = asyncio.all_tasks(), tmp_path / "7a1c-trace.bin", 0
        while not path.exists():
            tried += 1
            storage.answers = [whole()]
            task = asyncio.create_task(session.download(given(storage), tmp_path))
            for _ in range(tried):
                await asyncio.sleep(0)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            assert not ours(before)
            assert not [link for link in opened() if str(tmp_path) in link]
            assert parts(tmp_path) in ([], [path.name])
        assert path.read_bytes() == DATA
        assert tried > 3

    async def test_its_task_is_freed_at_once(self, session, storage, tmp_path):
        """The limit of a silence knows the task, whose end knows it, and no garbage collector finds that circle."""
        storage.answers = [hang]
        task = asyncio.create_task(session.download(given(storage), tmp_path))
        await storage.asked.wait()
        task.cancel()
        await asyncio.wait([task])
        watched = weakref.ref(task)
        del task
        await asyncio.sleep(0)
        assert watched() is None

    async def test_a_task_that_is_cancelled_twice_waits_for_its_thread(self, session, storage, tmp_path, monkeypatch):
        loop, begun, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

        def fsync(number):
            loop.call_soon_threadsafe(begun.set)
            go_on.wait(30)

        monkeypatch.setattr(os, "fsync", fsync)
        storage.answers = [whole()]
        task = asyncio.create_task(session.download(given(storage), tmp_path))
        await begun.wait()
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)
        assert not task.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (tmp_path / "7a1c-trace.bin").read_bytes() == DATA


def ours(before):
    """The tasks that this package has made since."""
    return [task for task in asyncio.all_tasks() - before if "aiotofupilot" in repr(task)]


def opened():
    """Where the open files of this process lie."""
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # of the list itself
            yield str(link.readlink())


class TestTwice:
    @pytest.mark.parametrize("sessions", [1, 2])
    async def test_the_second_waits_for_the_first(self, storage, tmp_path, sessions):
        storage.answers = [whole()]
        made = [TofuPilotSession(KEY, base_url=HERE) for _ in range(sessions)]
        one, other = await asyncio.gather(
            made[0].download(given(storage), tmp_path), made[-1].download(given(storage), tmp_path)
        )
        assert one == other
        assert one.read_bytes() == DATA
        assert len(storage.requests) == 1
        for session in made:
            await session.close()

    async def test_a_file_that_another_process_downloads_is_refused(self, session, storage, tmp_path):
        part = tmp_path / "7a1c-trace.bin.part"
        part.write_bytes(DATA[:HALF])
        with part.open("rb+") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            with pytest.raises(AttachmentError, match=r"^another process is downloading .*7a1c-trace\.bin$"):
                await session.download(given(storage), tmp_path)
        assert part.read_bytes() == DATA[:HALF]
        assert storage.requests == []

    async def test_a_file_that_came_meanwhile_is_taken(self, session, storage, tmp_path, monkeypatch):
        def flock(file, flags):
            (tmp_path / "7a1c-trace.bin").write_bytes(b"of another process")

        monkeypatch.setattr(fcntl, "flock", flock)
        path = await session.download(given(storage), tmp_path)
        assert path.read_bytes() == b"of another process"
        assert parts(tmp_path) == ["7a1c-trace.bin"]
        assert storage.requests == []

    async def test_a_part_that_another_process_put_in_place_is_not_taken(self, session, storage, tmp_path, monkeypatch):
        part, path = tmp_path / "7a1c-trace.bin.part", tmp_path / "7a1c-trace.bin"
        part.write_bytes(DATA)
        monkeypatch.setattr(fcntl, "flock", lambda file, flags: part.exists() and part.rename(path))
        with pytest.raises(AttachmentError, match="another process"):
            await session.download(given(storage), tmp_path)
        assert await session.download(given(storage), tmp_path) == path
        assert parts(tmp_path) == ["7a1c-trace.bin"]


class TestWindows:
    """There, an open file can be neither moved nor removed, and nothing is locked."""

    @pytest.fixture(autouse=True)
    def windows(self, monkeypatch):
        monkeypatch.setattr("aiotofupilot._part.sys", SimpleNamespace(platform="win32"))
        for name in ("replace", "unlink"):
            monkeypatch.setattr(Path, name, partialmethod(self.unless_open, getattr(Path, name)))

    @staticmethod
    def unless_open(path, change, *args, **kwargs):
        if str(path) in opened():
            raise PermissionError(errno.EACCES, "it is used by another process", str(path))
        return change(path, *args, **kwargs)

    async def test_a_file_is_downloaded(self, session, storage, tmp_path):
        storage.answers = [whole()]
        assert (await session.download(given(storage), tmp_path)).read_bytes() == DATA
        assert parts(tmp_path) == ["7a1c-trace.bin"]

    async def test_a_refusal_is_raised(self, session, storage, tmp_path):
        storage.answers = [http(b"", status="403 No")]
        with pytest.raises(APIError, match="403"):
            await session.download(given(storage), tmp_path)
        assert parts(tmp_path) == []


class TestSecrets:
    """No part of an address is told, but its host."""

    ADDRESS = ("k%7Ey", "k~y", "vault", SIGNATURE, "Expires")

    @pytest.mark.parametrize(
        "answers",
        [
            [cut(0)],
            [and_then(whole()[:1000], hang)],
            [and_then(b"SSH-2.0-OpenSSH_9.6\r\n", hang_up)],
            [http(b"", f"Location: http://x.example/vault/{SIGNATURE}", status="302 Found")],
            [http(f"<Code>{'k' * 3}</Code>/vault/?{SIGNATURE}".encode(), f"X: {SIGNATURE}", status="403 No")],
            [http(b"<Error><Code>vault</Code></Error>", f"X-Request-ID: {SIGNATURE}", status="500 No")],
            [b"HTTP/1.1 200 vault\r\nContent-Length: many\r\n\r\n"],
            [],
        ],
        ids=["cut", "silent", "not HTTP", "redirect", "repeated", "code", "malformed", "gone"],
    )
    async def test_nothing_tells_an_address(self, storage, telemetry, tmp_path, caplog, answers):
        from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor  # noqa: PLC0415

        caplog.set_level(logging.DEBUG)
        storage.answers = answers
        attachment = given(storage)
        AioHttpClientInstrumentor().instrument(tracer_provider=telemetry.tracers, meter_provider=telemetry.meters)
        try:
            async with TofuPilotSession(KEY, base_url=HERE, timeout=0.1, retry=None) as session:
                with pytest.raises(Exception, match=r".") as caught:
                    await session.download(attachment, tmp_path)
                shown = [*texts(caught.value), *texts(session), repr(attachment)]
        finally:
            AioHttpClientInstrumentor().uninstrument()
        for link in chain(caught.value):
            assert not isinstance(link, aiohttp.ClientError)
        shown += [record.getMessage() + repr(vars(record)) for record in caplog.records]
        for text in (*shown, telemetry.text, repr(telemetry.reader.get_metrics_data())):
            assert not [piece for piece in self.ADDRESS if piece in text], text
        assert telemetry.requests

    async def test_a_span_of_the_user_keeps_its_address(self, session, storage, telemetry, tmp_path):
        storage.answers = [whole()]
        address = {"http.url": "http://user.example/a?b"}
        with telemetry.tracers.get_tracer("user").start_as_current_span("own", attributes=address) as span:
            await session.download(given(storage), tmp_path)
        assert span.attributes == address

    async def test_a_full_disk_tells_no_address(self, session, storage, tmp_path, monkeypatch):
        def write(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        disk.at(monkeypatch, "write", write)
        storage.answers = [whole()]
        with pytest.raises(OSError, match="No space left") as caught:
            await session.download(given(storage), tmp_path)
        for text in texts(caught.value):
            assert not [piece for piece in self.ADDRESS if piece in text], text
