"""A server that sends the bytes that it is told to send, whatever HTTP says."""

import asyncio


def http(body=b"", *headers, status="200 OK"):
    """An answer as bytes, with its length."""
    fields = "".join(f"{header}\r\n" for header in (*headers, f"Content-Length: {len(body)}"))
    return f"HTTP/1.1 {status}\r\n{fields}\r\n".encode() + body


class Listener:
    """A server whose connections end with it."""

    def __init__(self):
        self._handlers = set()

    async def start(self, handle, context=None):
        self._handle = handle
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self):
        self._server.close()
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader, writer):
        self._handlers.add(handler := asyncio.current_task())
        try:
            await self._handle(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._handlers.discard(handler)
            writer.close()


class Server(Listener):
    """A server with fixed answers, which are bytes or coroutine functions. After the last one it hangs up."""

    def __init__(self):
        super().__init__()
        self.answers = []
        self.requests = []
        self.connections = 0
        self.asked = asyncio.Event()
        self.gone = asyncio.Event()
        """Set when a client has hung up."""

    async def start(self, context=None):
        await super().start(self._answer, context)
        self.origin = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        return self

    async def _answer(self, reader, writer):
        self.connections += 1
        try:
            while request := await reader.readuntil(b"\r\n\r\n"):
                self.requests.append(request.decode())
                self.asked.set()
                if not self.answers:
                    break
                answer = self.answers.pop(0)
                if callable(answer):
                    await answer(writer)
                else:
                    writer.write(answer)
                    await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.gone.set()


async def hang(writer):
    """Write nothing, for ever."""
    await asyncio.Event().wait()


def and_then(beginning, end):
    async def write(writer):
        writer.write(beginning)
        await writer.drain()
        await end(writer)

    return write


async def hang_up(writer):
    writer.close()


async def reset(writer):
    writer.transport.abort()
