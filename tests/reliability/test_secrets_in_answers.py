"""A server may put the key into any part of its answer, spelled in any way. It shows in no error and no log line."""

import asyncio
import gzip
import html
import logging
import pickle
import re
import traceback
from itertools import cycle
from urllib.parse import quote, unquote

import pytest

from aiotofupilot import ResponseTooLargeError, RetryPolicy, TofuPilotError, TofuPilotSession

KEY = "tp_user+5f2c/8e9d7b1a"

SPELLINGS = {
    "plain": KEY,
    "json": KEY.replace("_", "\\u005f"),
    "slash": KEY.replace("/", "\\/"),
    "plus": KEY.replace("+", "\\u002B"),
    "percent": quote(KEY, safe=""),
    "all percent": "".join(f"%{ord(character):02x}" for character in KEY),
}


def answer(status="500 No", *headers, body=b""):
    """An answer that is HTTP."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def json_body(text, status="400 Bad Request"):
    return answer(status, "Content-Type: application/json", body=text.encode())


CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
PAGE = '{"data": [{"id": %s, "name": %s, "created_at": %s}], "meta": {"has_more": false}}'

PLACES = {
    "no HTTP at all": lambda key: f"{key}\r\n\r\n".encode(),
    "HTTP version": lambda key: f"HTTP/{key} 200 OK\r\n\r\n".encode(),
    "status": lambda key: f"HTTP/1.1 {key} OK\r\n\r\n".encode(),
    "reason": lambda key: answer(f"500 {key}"),
    "reason, cut": lambda key: f"HTTP/1.1 500 {key}".encode(),
    "header name": lambda key: answer("500 No", f"{key}: 1"),
    "header name with a space": lambda key: answer("200 OK", f"X {key}: 1"),
    "header without a colon": lambda key: answer("200 OK", key),
    "header value": lambda key: answer("500 No", f"X: {key}"),
    "header value with a control character": lambda key: answer("200 OK", f"X: \x01{key}"),
    "too long a header name": lambda key: answer("200 OK", f"{key * 500}: 1"),
    "too long a header value": lambda key: answer("200 OK", f"X: {key * 500}"),
    "too many headers": lambda key: answer("200 OK", *[f"X-{key}: {key}"] * 200),
    "Content-Length": lambda key: f"HTTP/1.1 200 OK\r\nContent-Length: {key}\r\n\r\n".encode(),
    "second Content-Length": lambda key: answer("200 OK", f"Content-Length: 1{key}"),
    "Transfer-Encoding": lambda key: f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {key}\r\n\r\n0\r\n\r\n".encode(),
    "Content-Encoding": lambda key: answer("200 OK", f"Content-Encoding: {key}", body=b"{"),
    "chunk size": lambda key: f"{CHUNKED}{key}\r\n".encode(),
    "chunk extension": lambda key: f"{CHUNKED}1;{key}\r\n{{\r\nno\r\n".encode(),
    "behind a chunk": lambda key: f"{CHUNKED}1\r\n{{{key}\r\n".encode(),
    "trailer": lambda key: f"{CHUNKED}1\r\n{{\r\n0\r\n {key}\r\n\r\n".encode(),
    "100 Continue": lambda key: f"HTTP/1.1 100 {key}\r\nX: {key}\r\n\r\n".encode() + answer(),
    "behind the answer": lambda key: answer("500 No", "Connection: close") + key.encode(),
    "Location, elsewhere": lambda key: answer("302 Found", f"Location: https://evil.example.com/?key={key}"),
    "Location, host": lambda key: answer("302 Found", f"Location: https://{key}.example.com/"),
    "Location, user": lambda key: answer("302 Found", f"Location: https://{key}:{key}@evil.example.com/"),
    "Location, scheme": lambda key: answer("302 Found", f"Location: {key}://evil.example.com/"),
    "Location, no URL": lambda key: answer("302 Found", f"Location: http://[{key}"),
    "Location, here": lambda key: answer("302 Found", f"Location: /{key}?{key}#{key}"),
    "Retry-After": lambda key: answer("503 No", f"Retry-After: {key}", f"Date: {key}"),
    "request ID": lambda key: answer("500 No", f"X-Request-ID: {key}"),
    "Content-Type": lambda key: answer("500 No", f"Content-Type: text/{key}; charset={key}", body=b"<"),
    "cookie": lambda key: answer("500 No", f"Set-Cookie: a={key}; Path=/{key}", f"Set-Cookie: {key}=a; Max-Age={key}"),
    "cookie, no name": lambda key: answer("500 No", f"Set-Cookie: [{key}]=1", f"Set-Cookie: {key}"),
    "page of a proxy": lambda key: answer("502 No", "Content-Type: text/html", body=f"<pre>{key}</pre>".encode()),
    "page of a proxy, success": lambda key: answer("200 OK", "Content-Type: text/html", body=f"<p>{key}".encode()),
    "compressed": lambda key: answer("500 No", "Content-Encoding: gzip", body=gzip.compress(key.encode())),
    "not quite compressed": lambda key: answer("200 OK", "Content-Encoding: gzip", body=key.encode()),
    "cut JSON": lambda key: json_body(f'{{"data": "{key}', "200 OK"),
    "JSON beyond the end": lambda key: json_body(f'{{}}"{key}"', "200 OK"),
    "message": lambda key: json_body(f'{{"message": "no, {key}"}}'),
    "code": lambda key: json_body(f'{{"message": "no", "code": "{key}"}}'),
    "issue": lambda key: json_body(f'{{"message": "no", "issues": [{{"message": "{key}", "code": "{key}"}}]}}'),
    "path of an issue": lambda key: json_body(f'{{"message": "no", "issues": [{{"path": ["limit", 3, "{key}"]}}]}}'),
    "another member": lambda key: json_body(f'{{"message": "no", "{key}": {{"{key}": "{key}"}}}}'),
    "page of another shape": lambda key: json_body(f'{{"data": "{key}", "{key}": 1}}', "200 OK"),
    "date-time": lambda key: json_body(PAGE % ('"1"', '"n"', f'"{key}"'), "200 OK"),
    "id of another type": lambda key: json_body(PAGE % (f'["{key}"]', f'"{key}"', f'"{key}"'), "200 OK"),
    "name of another type": lambda key: json_body(PAGE % ('"1"', f'{{"{key}": "{key}"}}', '"n"'), "200 OK"),
    "end of the excerpt": lambda key: answer("500 No", body=b"<" * (2000 - 7) + key.encode()),
}


def everything(error):
    """Yield all that an error and its chain show or hold, and what its pickle holds."""
    yield "".join(traceback.format_exception(error))
    yield pickle.dumps(error).decode("latin-1")
    todo, seen = [error], set()
    while todo:
        value = todo.pop()
        if id(value) in seen or isinstance(value, type):
            continue
        seen.add(id(value))
        yield f"{value}\n{value!r}"
        if isinstance(value, bytes):
            yield value.decode("latin-1")
        if isinstance(value, BaseException):
            todo += [value.__cause__, value.__context__, *value.args, *vars(value).values()]
        elif isinstance(value, list | tuple | set):
            todo += value


def read(text):
    """Return a text as somebody reads it who undoes its escapes."""
    for _ in range(3):
        text = re.sub(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})", lambda hit: chr(int(hit[1] or hit[2], 16)), text)
        text = html.unescape(unquote(text.replace("\\\\", "\\").replace("\\/", "/")))
    return text.lower()


@pytest.fixture
async def serve():
    """Starts a server that gives one answer to every request, and hangs up after it."""
    servers = []

    async def start(said):
        async def handle(reader, writer):
            with_key = False
            while line := await reader.readline():
                with_key = with_key or line == f"Authorization: Bearer {KEY}\r\n".encode()
                if line == b"\r\n":
                    break
            assert with_key
            writer.write(said)
            writer.close()

        servers.append(await asyncio.start_server(handle, "127.0.0.1", 0))
        return f"http://127.0.0.1:{servers[-1].sockets[0].getsockname()[1]}"

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()


IN_PLACES = [(name, "plain") for name in PLACES]
IN_PLACES += [(name, spelling) for name, spelling in zip(PLACES, cycle([*SPELLINGS][1:]), strict=False)]
IN_PLACES += [("another member", spelling) for spelling in SPELLINGS]


@pytest.mark.parametrize(("place", "spelling"), IN_PLACES)
async def test_the_key_is_hidden_wherever_an_answer_has_it(serve, caplog, place, spelling):
    """Errors, their attributes, their whole chain and every log record are read with their escapes undone."""
    caplog.set_level(logging.DEBUG)
    said = PLACES[place](SPELLINGS[spelling])
    policy = RetryPolicy(attempts=2, initial_wait=0, max_elapsed=0.3)
    async with TofuPilotSession(KEY, base_url=await serve(said), retry=policy) as session:
        with pytest.raises(TofuPilotError) as caught:
            await session.procedures.list().first()
    shown = [*everything(caught.value)]
    shown += [f"{record.getMessage()} {record.args!r} {record.exc_text}" for record in caplog.records]
    assert caplog.records or isinstance(caught.value, ResponseTooLargeError)  # which is not tried again
    for text in shown:
        assert KEY not in read(text)
