"""An HTTP proxy on the loopback interface, and servers with TLS behind it."""

import asyncio
import ssl
from base64 import b64encode
from contextlib import asynccontextmanager
from functools import partial

import trustme
from fakes.raw_server import Listener

from aiotofupilot._checks import Secret
from aiotofupilot._http.proxy import resolve_proxy

AUTHORITY = trustme.CA()
"""Nobody trusts it."""


def certified(host):
    """Return a TLS context for a server that has a certificate of the authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(host).configure_cert(context)
    return context


async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, ssl.SSLError):
        pass
    finally:
        writer.close()


async def join(reader, writer, port, sent=b""):
    """Pass on what comes from either side to the other, until one hangs up."""
    their_reader, their_writer = await asyncio.open_connection("127.0.0.1", port)
    their_writer.write(sent)
    await asyncio.gather(copy(reader, their_writer), copy(their_reader, writer))


@asynccontextmanager
async def with_tls(port, host="tofu.example.com"):
    """Run a server with TLS in front of one without, and give its port."""
    listener = Listener()
    await listener.start(partial(join, port=port), certified(host))
    yield listener.port
    await listener.stop()


class Proxy(Listener):
    """An HTTP proxy. Whatever server it is asked for, it connects to the port that it was made with.

    Args:
        port: The port.
        login: The user name and the password that it wants, such as ``user:password``. None: it wants neither.
        host: The name in its certificate. None: it is reached without TLS.
    """

    def __init__(self, port, login=None, host=None):
        super().__init__()
        self._target, self.login, self._host = port, login, host
        self.answers = []
        """What it says to the next requests instead of passing them on: bytes, or None to say nothing for ever."""
        self.requests = []
        """The heads of the requests that it got, as text."""

    async def __aenter__(self):
        await self.start(self._proxy, certified(self._host) if self._host else None)
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"{'https' if self._host else 'http'}://{self.address}"
        return self

    async def __aexit__(self, *_):
        await self.stop()

    @property
    def lines(self):
        """The first lines of the requests that it got."""
        return [request.split("\r\n")[0] for request in self.requests]

    async def _proxy(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(head.decode())
        if self.answers:
            answer = self.answers.pop(0)
            if answer is None:
                await asyncio.Event().wait()
            writer.write(answer)
            await writer.drain()
        elif self.login is not None and f"Basic {b64encode(self.login.encode()).decode()}\r\n" not in self.requests[-1]:
            writer.write(refusal(407))
            await writer.drain()
        elif head.startswith(b"CONNECT "):
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await join(reader, writer, self._target)
        else:
            method, url, rest = head.split(b" ", 2)
            path = b"/" + url.split(b"/", 3)[3]
            await join(reader, writer, self._target, b" ".join((method, path, rest)))


def refusal(status, *headers, body=b"<html>no</html>"):
    """Return an answer of the proxy's own."""
    fields = "".join(f"{header}\r\n" for header in ("Content-Type: text/html", *headers))
    return f"HTTP/1.1 {status} No\r\n{fields}Content-Length: {len(body)}\r\n\r\n".encode() + body


def found(base_url, proxy=None, *, allow_insecure_http=False):
    """Return the address of the proxy that a session uses. None: it uses none."""
    proxy = resolve_proxy(Secret(proxy), base_url, allow_insecure_http=allow_insecure_http)
    return None if proxy is None else str(proxy.url)
