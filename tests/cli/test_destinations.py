"""Where bytes go."""

import asyncio
import contextlib
import errno
import os
import re
import stat
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from aiotofupilot.cli.failures import ExitCode, UsageError, explained
from aiotofupilot.cli.output import destinations
from aiotofupilot.cli.output.destinations import destination


class SomeError(Exception):
    pass


async def write(path, *chunks):
    async with destination(path) as out:
        for chunk in chunks:
            await out.write(chunk, items=1, checkpoint=None)


async def write_and_fail(path, failure):
    async with destination(path) as out:
        await out.write(b"half", items=1, checkpoint=None)
        raise failure


async def test_standard_output(capfdbinary):
    """Bytes arrive as they are, each write at once."""
    async with destination(None) as out:
        await out.write("Prüfung\r\n".encode(), items=1, checkpoint=None)
        assert capfdbinary.readouterr().out == "Prüfung\r\n".encode()


async def test_closed_standard_output(monkeypatch):
    """Without a standard output there is advice instead of a traceback."""
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(UsageError, match="standard output is closed: use --output FILE"):
        await write(None)


async def test_a_file_takes_its_place_when_it_is_whole(tmp_path):
    """Until the end, the place holds what it held; then nothing but the file is there."""
    path = tmp_path / "list.csv"
    path.write_text("old")
    async with destination(path) as out:
        await out.write(b"new", items=1, checkpoint=None)
        await out.write(b"er", items=1, checkpoint=None)
        assert path.read_text() == "old"
    assert path.read_text() == "newer"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("held", [None, "old"])
@pytest.mark.parametrize("failure", [SomeError, asyncio.CancelledError, KeyboardInterrupt])
async def test_a_failed_run_leaves_the_place_as_it_was(tmp_path, held, failure):
    """Whatever ends it, no half file is in its place, and none beside it."""
    path = tmp_path / "list.csv"
    if held:
        path.write_text(held)
    with pytest.raises(failure):
        await write_and_fail(path, failure)
    assert [file.read_text() for file in tmp_path.iterdir()] == ([held] if held else [])


async def test_a_link_stays_a_link(tmp_path):
    """What a symbolic link leads to is replaced, not the link."""
    link, file = tmp_path / "link", tmp_path / "file"
    link.symlink_to(file)
    await write(link, b"x")
    assert link.is_symlink()
    assert file.read_bytes() == b"x"


async def test_a_device_is_written_into():
    """Nothing is put in the place of a device, and nothing beside it."""
    await write(Path(os.devnull), b"x")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)  # noqa: PTH116 - a Path's own would be said to block


async def test_a_named_pipe_is_written_into(tmp_path):
    """A named pipe gets the bytes when somebody reads it, and waiting for that does not stall the event loop."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writing = asyncio.create_task(write(pipe, b"some", b"thing"))
    assert await asyncio.to_thread(pipe.read_bytes) == b"something"
    await writing
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    ("name", "reason"),
    [(".", "Is a directory"), ("none/list.csv", "No such file or directory"), ("n" * 300, "File name too long")],
)
async def test_what_cannot_be_written_is_wrong_usage(tmp_path, name, reason):
    """It is said before anything is asked of a server."""
    path = tmp_path / name
    with pytest.raises(UsageError) as caught:
        await write(path)
    assert str(caught.value) == f"cannot write {path}: {reason}"


async def test_no_room():
    """A full device is an OSError at the write that it refused."""
    with pytest.raises(OSError, match="No space left on device"):
        await write(Path("/dev/full"), b"x")


class TestPipe:
    """A pipe whose reader may leave."""

    @pytest.fixture
    def pipe(self, monkeypatch):
        reading, writing = os.pipe()
        with open(reading, "rb") as reader, open(writing, "w") as writer:  # noqa: PTH123 - descriptors
            # pytest gives each phase of a test a sys.stdout of its own.
            monkeypatch.setattr(destinations, "sys", SimpleNamespace(stdout=writer, platform=sys.platform))
            yield reader
            with contextlib.suppress(BrokenPipeError):
                writer.close()

    async def test_reader_stays(self, pipe):
        """Nothing happens to a pipe that is read."""
        await write(None, b"x")
        assert os.read(pipe.fileno(), 10) == b"x"

    async def test_reader_left(self, pipe):
        """A write that nobody reads is a BrokenPipeError."""
        pipe.close()
        with pytest.raises(BrokenPipeError):
            await write(None, b"x")

    async def test_reader_leaves_while_nothing_is_written(self, pipe):
        """A writer that waits for something else hears of it at once."""

        async def wait():
            async with destination(None):
                pipe.close()
                await asyncio.Event().wait()

        with pytest.raises(BrokenPipeError):
            await asyncio.wait_for(wait(), 20)

    async def test_cancelled_otherwise(self, pipe):
        """Ctrl-C is not taken for a reader's leaving."""
        with pytest.raises(asyncio.CancelledError):
            await write_and_fail(None, asyncio.CancelledError)

    async def test_a_full_pipe_stalls_nobody_else(self, pipe):
        """While a pipe's reader pauses, other tasks run on."""
        async with destination(None) as out:
            writing = asyncio.create_task(out.write(bytes(1_000_000), items=1, checkpoint=None))
            await asyncio.sleep(0)
            assert not writing.done()
            assert len(await asyncio.to_thread(pipe.read, 1_000_000)) == 1_000_000
            await writing


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
async def test_a_disk_that_fails_at_the_start_is_no_wrong_usage(tmp_path, monkeypatch, number):
    """Nothing about the command would have to be different."""

    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("aiotofupilot.cli.output.files.os.open", fail)
    with pytest.raises(OSError, match=re.escape(os.strerror(number))) as caught:
        async with destination(tmp_path / "x.csv"):
            pass
    assert explained(caught.value) == (ExitCode.FAILED, f"cannot write: {os.strerror(number)}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOENT])
async def test_a_place_that_cannot_be_written_is_wrong_usage(tmp_path, monkeypatch, number):
    """Such as a folder that is not there, or that only others may write to."""

    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("aiotofupilot.cli.output.files.os.open", fail)
    with pytest.raises(UsageError, match=f"^cannot write .*x.csv: {re.escape(os.strerror(number))}$"):
        async with destination(tmp_path / "x.csv"):
            pass
