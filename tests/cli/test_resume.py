"""A file that takes its place only when it is whole, and that another run can complete."""

import errno
import fcntl
import json
import os
from contextlib import suppress
from unittest.mock import Mock

import pytest

from aiotofupilot.cli.messages import UsageError
from aiotofupilot.cli.output import PartFile

OPTIONS = {"--format": "csv"}
PAGES = [f"{page}{'x' * page}\n".encode() for page in range(5)]


@pytest.fixture
def target(tmp_path):
    return tmp_path / "list.csv"


async def write_pages(file, pages):
    for page in range(file.state.items, pages):
        await file.write(PAGES[page], items=page + 1, checkpoint=str(page + 1))


async def write_all(target, *, options=OPTIONS, resume=True):
    """What a command does: write what is missing, to the end."""
    file = PartFile(target, options, resume=resume)
    try:
        await write_pages(file, len(PAGES))
        await file.write(b"")
        await file.finish()
    except BaseException:
        file.leave()
        raise


@pytest.fixture
async def left(target):
    """What a run left that ended after three pages: the bytes of the file and of its state."""
    file = PartFile(target, OPTIONS, resume=False)
    await write_pages(file, 3)
    file.leave()
    return beside(target, ".part").read_bytes(), beside(target, ".part.state").read_bytes()


def beside(target, suffix):
    return target.with_name(target.name + suffix)


def names(target):
    return sorted(path.name for path in target.parent.iterdir())


async def test_until_then_the_place_is_left_alone(target):
    """Each page is on the disk when it is written, and so is its state, beside the place."""
    target.write_text("old")
    file = PartFile(target, OPTIONS, resume=False)
    for page in range(3):
        await file.write(PAGES[page], items=page + 1, checkpoint=str(page + 1))
        assert beside(target, ".part").read_bytes() == b"".join(PAGES[: page + 1])
        state = json.loads(beside(target, ".part.state").read_bytes())
        assert (state["size"], state["items"], state["checkpoint"]) == (file.state.size, page + 1, str(page + 1))
    assert target.read_text() == "old"
    assert names(target) == ["list.csv", "list.csv.part", "list.csv.part.state"]
    await file.finish()
    assert target.read_bytes() == b"".join(PAGES[:3])


async def test_a_file_that_is_interrupted_twice_was_begun_by_the_first_run(target, left, capsys):
    for _ in range(2):
        file = PartFile(target, OPTIONS, resume=True)
        await write_pages(file, file.state.items + 1)
        file.leave()
    first, second = capsys.readouterr().err.splitlines()
    assert first == second
    assert f"{target} was begun at {json.loads(left[1])['begun'].replace('T', ' ')[:19]}Z: --resume completes" in first


@pytest.mark.parametrize("suffix", [".part", ".part.state"])
async def test_what_was_cut_is_not_completed(target, left, suffix):
    """By a power failure, say: with fewer bytes than the state says, or with half a state, the file is begun."""
    content = beside(target, suffix).read_bytes()
    for size in range(len(content)):
        beside(target, ".part").write_bytes(left[0])
        beside(target, ".part.state").write_bytes(left[1])
        beside(target, suffix).write_bytes(content[:size])
        file = PartFile(target, OPTIONS, resume=True)
        assert file.state.items == 0, size
        file.leave()


async def test_without_locks_a_file_is_completed(target, left, monkeypatch):
    """Such as on a share."""
    monkeypatch.setattr(fcntl, "flock", Mock(side_effect=OSError(errno.ENOLCK, "No locks available")))
    file = PartFile(target, OPTIONS, resume=True)
    assert file.state.items > 0
    file.leave()
    await write_all(target)
    assert target.read_bytes() == b"".join(PAGES)
    assert names(target) == ["list.csv"]


@pytest.mark.parametrize("gone", [True, False])
async def test_a_run_that_comes_while_another_ends(target, monkeypatch, gone):
    """A file that was put in its place between being opened and being locked is not written into."""
    first = PartFile(target, OPTIONS, resume=False)
    await write_pages(first, 1)
    open_path = os.open

    def open_late(path, flags, mode):
        number = open_path(path, flags, mode)
        with suppress(StopIteration):  # it waits for nothing
            first.finish().send(None)
        if not gone:
            path.write_bytes(b"")
        return number

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", open_late)
        patch.setattr(type(target), "exists", lambda _: True)  # it may be gone right after that
        with pytest.raises(UsageError, match="another run is writing"):
            PartFile(target, OPTIONS, resume=False)
    assert target.read_bytes() == PAGES[0]
