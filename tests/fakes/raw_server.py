"""A server that sends the bytes that it is told to send, whatever HTTP says."""

import asyncio

__all__ = ["Server", "and_then", "hang", "hang_up", "http", "reset"]


def http(body=b"", *headers, status="200 OK"):
    """An answer as bytes, with its length."""
    fields = "".join(f"{header}\r\n" for header in (*headers, f"Content-Length: {len(body)}"))
    return f"HTTP/1.1 {status}\r\n{fields}\r\n".encode() + body


class Server:
    """A server with fixed answers, which are bytes or coroutine functions. After the last one it hangs up."""

    def __init__(self):
        self.answers = []
        self.requests = []
        self.connections = 0
        self.asked = asyncio.Event()
        self.gone = asyncio.Event()
        """Set when a client has hung up."""
        self._handlers = set()

    async def start(self, context=None):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        self.origin = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        return self

    async def stop(self):
        self._server.close()
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader, writer):
        self._handlers.add(handler := asyncio.current_task())
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
        finally:
            self._handlers.discard(handler)
            writer.close()


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
