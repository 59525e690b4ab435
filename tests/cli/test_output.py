"""Where bytes go."""

import asyncio
import errno
import os
import sys
from contextlib import contextmanager, suppress
from fcntl import F_SETPIPE_SZ, fcntl
from io import TextIOWrapper
from pathlib import Path
from types import SimpleNamespace

import pytest

from aiotofupilot.cli.messages import ExitCode, UsageError, explained
from aiotofupilot.cli.output import output


class SomeError(Exception):
    pass


async def write(path, *chunks):
    async with output(path, {}) as out:
        for chunk in chunks:
            await out.write(chunk, items=1, checkpoint=None)


async def write_and_fail(path, failure):
    async with output(path, {}) as out:
        await out.write(b"half", items=0, checkpoint=None)
        raise failure


async def test_standard_output(capfdbinary):
    """Bytes arrive as they are, each write at once."""
    async with output(None, {}) as out:
        await out.write("Prüfung\r\n".encode(), items=1, checkpoint=None)
        assert capfdbinary.readouterr().out == "Prüfung\r\n".encode()


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


async def test_a_share_that_refuses_modes_has_the_file_all_the_same(tmp_path, refused_modes):
    """Such as one that is mounted for another user. Everything was read by then."""
    path = tmp_path / "list.csv"
    path.write_text("old")
    await write(path, b"new")
    assert path.read_bytes() == b"new"
    assert refused_modes
    assert [*tmp_path.iterdir()] == [path]


async def test_a_place_that_is_in_use_on_windows_is_told(tmp_path, monkeypatch):
    """Such as by a spreadsheet. What is written stays, and another run completes it."""
    monkeypatch.setattr("aiotofupilot.cli.output.sys", SimpleNamespace(platform="win32"))
    path, replace, used = tmp_path / "runs.csv", Path.replace, [PermissionError(errno.EACCES, "it is in use")]

    def replace_unless_in_use(source, target):
        if target == path and used:
            raise used.pop()
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", replace_unless_in_use)
    with pytest.raises(PermissionError, match="it is in use"):
        async with output(path, {}) as file:
            await file.write(b"one\n", items=1, checkpoint="after one")
    async with output(path, {}, resume=True) as file:
        assert file.state.checkpoint == "after one"
    assert path.read_bytes() == b"one\n"


@pytest.mark.parametrize(
    "path", ["/dev/null", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/dev/new", "pipe", "-", "."]
)
async def test_what_is_no_file_is_wrong_usage(tmp_path, monkeypatch, path):
    """A device is not replaced, nor is the file that standard output is redirected to."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    with pytest.raises(UsageError) as caught:
        await write(Path(path))
    told = f"--output needs a file, and {path} is not one: leave it out to write to standard output"
    assert str(caught.value) == told
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


class TestPipe:
    """Standard output as a pipe, whose reader may pause or leave."""

    @pytest.fixture
    def pipe(self, monkeypatch):
        @contextmanager
        def pipe(*, blocking=True, unbuffered=False):
            reading, writing = os.pipe()
            fcntl(writing, F_SETPIPE_SZ, 4096)
            os.set_blocking(writing, blocking)
            raw = open(writing, "wb", buffering=0) if unbuffered else open(writing, "wb")  # noqa: PTH123, SIM115
            with (
                open(reading, "rb") as reader,  # noqa: PTH123 - a descriptor
                suppress(BrokenPipeError),
                TextIOWrapper(raw, write_through=unbuffered) as stream,
                monkeypatch.context() as patch,
            ):
                patch.setattr(sys, "stdout", stream)
                yield reader

        return pipe

    @pytest.mark.parametrize("blocking", [True, False])
    @pytest.mark.parametrize("unbuffered", [True, False])
    async def test_every_byte_arrives_while_other_tasks_run(self, pipe, blocking, unbuffered):
        """A pipe that takes little at a time stalls nobody else."""
        data = os.urandom(100_000)
        with pipe(blocking=blocking, unbuffered=unbuffered) as reader:
            async with output(None, {}) as out:
                writing = asyncio.create_task(out.write(data, items=1, checkpoint="1"))
                await asyncio.sleep(0)
                assert not writing.done()
                assert await asyncio.to_thread(reader.read, len(data)) == data
                await writing
                assert (out.state.items, out.state.checkpoint, out.is_torn) == (1, "1", False)

    async def test_a_reader_that_has_left(self, pipe):
        with pipe() as reader:
            reader.close()
            with pytest.raises(BrokenPipeError):
                await write(None, b"x")

    @pytest.mark.parametrize(("size", "is_torn"), [(4096, False), (10_000, True)])
    async def test_cancelled_while_the_pipe_is_full(self, pipe, size, is_torn):
        """What is written in part does not count, and is known to be there."""
        with pipe() as reader:
            async with output(None, {}) as out:
                await out.write(b"x", items=1, checkpoint="1")
                reader.read(1)
                writing = asyncio.create_task(out.write(bytes(size), items=2, checkpoint="2"))
                for _ in range(100):
                    await asyncio.sleep(0)
                assert writing.cancel() == is_torn
                await asyncio.wait((writing,))
                assert writing.cancelled() == is_torn
                assert (out.state.items, out.is_torn) == (1 if is_torn else 2, is_torn)


@pytest.fixture
def full():
    with Path("/dev/full").open("w") as full:
        yield full


async def test_a_full_disk_is_an_error_and_nothing_of_the_page_is_written(full, monkeypatch):
    """It is an OSError at the write that it refused. Nothing of that is written."""
    monkeypatch.setattr(sys, "stdout", full)
    async with output(None, {}) as out:
        with pytest.raises(OSError, match="No space left on device: 'standard output'"):
            await out.write(b"x", items=1, checkpoint=None)
        assert not out.is_torn
        assert out.state.items == 0


@pytest.mark.parametrize(
    ("number", "code"),
    [
        *((number, ExitCode.FAILED) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)),
        *((number, ExitCode.USAGE) for number in (errno.EACCES, errno.EROFS, errno.ENOENT)),
    ],
)
async def test_a_place_that_cannot_be_written_is_wrong_usage_and_a_disk_that_fails_is_not(
    tmp_path, monkeypatch, number, code
):
    """Such a place is a folder that is not there, or that only others may write to."""

    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("aiotofupilot.cli.output.os.open", fail)
    with pytest.raises((OSError, UsageError)) as caught:
        async with output(tmp_path / "x.csv", {}):
            pass
    place = f" {tmp_path / 'x.csv'}" if code == ExitCode.USAGE else ""
    assert explained(caught.value) == (code, f"cannot write{place}: {os.strerror(number)}")
    assert not list(tmp_path.iterdir())
