"""Writing to what may be full, slow or gone."""

import asyncio
import errno
import io
import os
import threading

import pytest

from aiotofupilot.cli.output import streams
from aiotofupilot.cli.output.streams import Stream
from aiotofupilot.cli.output.unbuffered import raw, write_all

DATA = bytes(range(256)) * 2000


@pytest.fixture
def pipe():
    """A pipe of one page of memory, as its two raw ends."""
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as reader, open(writing, "wb", buffering=0) as writer:  # noqa: PTH123 - descriptors
        yield reader, writer


def read_all(reader):
    """Read to the end in pieces of odd sizes, and return what came."""
    read = bytearray()
    while data := reader.read(1 + len(read) % 1000):
        read += data
    return bytes(read)


async def read_beside(reader, writer, writing):
    """Return what a reader gets while somebody writes."""
    reading = asyncio.create_task(asyncio.to_thread(read_all, reader))
    await writing
    writer.close()
    return await reading


@pytest.mark.parametrize("buffering", [0, -1])
def test_the_stream_below(tmp_path, buffering):
    """Below a text or a binary stream, buffered or not, is the one that writes to the file."""
    with (tmp_path / "file").open("wb", buffering=buffering) as binary:
        assert isinstance(raw(binary), io.FileIO)
        text = io.TextIOWrapper(binary)
        assert raw(text) is raw(binary)
        text.detach()


@pytest.mark.parametrize("blocking", [True, False])
async def test_all_is_written(pipe, blocking):
    """A pipe that takes less than it is given, or nothing for now, gets the rest when its reader has made room."""
    reader, writer = pipe
    os.set_blocking(writer.fileno(), blocking)
    assert await read_beside(reader, writer, asyncio.to_thread(write_all, writer, DATA)) == DATA


@pytest.mark.parametrize("blocking", [True, False])
async def test_an_output_writes_all(pipe, blocking):
    """So does an output, which also counts what is written."""
    reader, writer = pipe
    os.set_blocking(writer.fileno(), blocking)
    out = Stream(writer)
    assert await read_beside(reader, writer, out.write(DATA, items=3, checkpoint="30")) == DATA
    assert (out.mark.items, out.mark.checkpoint, out.torn, out.is_terminal) == (3, "30", 0, False)


async def test_a_terminal_is_one(terminal):
    """Whoever writes to it is told so."""
    with terminal() as shown, open(shown.tty, "wb", buffering=0, closefd=False) as stream:  # noqa: ASYNC230 - a descriptor
        assert Stream(stream).is_terminal


async def test_what_a_cancelled_write_has_written(pipe):
    """It is counted to the byte, and no more is written, whatever room there is later."""
    reader, writer = pipe
    out = Stream(writer)
    await out.write(b"x", items=1, checkpoint="1")
    writing = asyncio.create_task(out.write(DATA, items=3, checkpoint="30"))
    read = len(await asyncio.to_thread(reader.read, 10_000))  # so the thread is writing
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert (out.mark.items, out.mark.checkpoint) == (1, "1")
    written = out.torn
    assert 0 < written < len(DATA)
    os.set_blocking(reader.fileno(), False)
    while read < 1 + written:
        read += len(reader.read(1 + written - read))
    assert await asyncio.to_thread(reader.read, 1) is None
    assert out.torn == written


async def test_a_cancelled_write_that_is_stuck(pipe, monkeypatch):
    """A write that blocks all the same, such as to a terminal that is stopped, does not hold up a cancellation."""
    monkeypatch.setattr(streams, "_PATIENCE", 0.0)
    _, writer = pipe
    begun, resumed = threading.Event(), threading.Event()

    class Stuck(io.RawIOBase):
        def fileno(self):
            return writer.fileno()

        def write(self, data):
            begun.set()
            resumed.wait(30)
            return len(data)

    out = Stream(Stuck())
    writing = asyncio.create_task(out.write(b"x", items=1, checkpoint="1"))
    await asyncio.to_thread(begun.wait, 30)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert out.torn == 0
    resumed.set()


async def test_a_cancelled_write_that_is_under_way(pipe, monkeypatch):
    """What it writes while it is being cancelled counts."""
    monkeypatch.setattr(streams, "_PATIENCE", 30.0)
    _, writer = pipe
    begun, never = threading.Event(), threading.Event()

    class Slow(io.RawIOBase):
        def fileno(self):
            return writer.fileno()

        def write(self, data):
            begun.set()
            while not out._stopped:
                never.wait(0.001)
            return len(data)

    out = Stream(Slow())
    writing = asyncio.create_task(out.write(b"x", items=1, checkpoint="1"))
    await asyncio.to_thread(begun.wait, 30)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert (out.torn, out.mark.items) == (1, 0)


async def test_what_a_failed_write_has_written(tmp_path):
    """A disk that is full after some bytes leaves these bytes, and the mark before them."""
    with (tmp_path / "file").open("wb", buffering=0) as file:

        class Filling(io.RawIOBase):
            def fileno(self):
                return file.fileno()

            def write(self, data):
                if file.tell() == 100:
                    raise OSError(errno.ENOSPC, "No space left on device")
                return file.write(data[: min(60, 100 - file.tell())])

        out = Stream(Filling())
        await out.write(b"x" * 10, items=1, checkpoint="1")
        with pytest.raises(OSError, match="No space left"):
            await out.write(b"y" * 200, items=2, checkpoint="2")
    assert (out.mark.items, out.torn) == (1, 90)


async def test_a_page_is_one_write_to_a_file(tmp_path):
    """Pages of several processes that append to the same file are not mixed, however large they are."""
    sizes = []
    with (tmp_path / "file").open("ab", buffering=0) as file:

        class Counting(io.RawIOBase):
            def fileno(self):
                return file.fileno()

            def write(self, data):
                sizes.append(len(data))
                return file.write(data)

        await Stream(Counting()).write(DATA, items=1, checkpoint=None)
    assert sizes == [len(DATA)]
