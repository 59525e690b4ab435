"""A file that takes its place only when it is whole, and that another run can go on with."""

import errno
import fcntl
import stat
from pathlib import Path

import pytest

from aiotofupilot.cli.failures import UsageError
from aiotofupilot.cli.files import PartFile

SUBJECT = {"--search": None, "--format": "csv"}
PAGES = [f"{page}{'x' * page}\n".encode() for page in range(5)]


@pytest.fixture
def target(tmp_path):
    return tmp_path / "list.csv"


async def write_all(target, *, subject=SUBJECT, resume=True):
    """What a command does: go on behind what is there, to the end."""
    file = PartFile(target, subject, resume=resume)
    try:
        for page in range(file.mark.items, len(PAGES)):
            await file.write(PAGES[page], items=page + 1, checkpoint=str(page + 1))
    except BaseException:
        file.leave()
        raise
    file.finish()


@pytest.fixture
async def left(target):
    """What a run left that ended behind three pages: the bytes of the file and of its journal."""
    file = PartFile(target, SUBJECT, resume=False)
    for page in range(3):
        await file.write(PAGES[page], items=page + 1, checkpoint=str(page + 1))
    file.leave()
    return beside(target, ".part").read_bytes(), beside(target, ".part.journal").read_bytes()


def beside(target, suffix):
    return target.with_name(target.name + suffix)


def names(target):
    return sorted(path.name for path in target.parent.iterdir())


async def test_a_whole_file_is_alone(target):
    """In the end there is the file, and nothing else."""
    target.write_text("old")
    await write_all(target)
    assert target.read_bytes() == b"".join(PAGES)
    assert names(target) == ["list.csv"]


async def test_until_then_the_place_is_left_alone(target):
    """Each page is on the disk when it is written, and so is its mark, beside the place."""
    target.write_text("old")
    file = PartFile(target, SUBJECT, resume=False)
    for page in range(3):
        await file.write(PAGES[page], items=page + 1, checkpoint=str(page + 1))
        assert beside(target, ".part").read_bytes() == b"".join(PAGES[: page + 1])
        assert beside(target, ".part.journal").read_bytes().count(b"\n") == page + 2
    assert target.read_text() == "old"
    file.finish()
    assert target.read_bytes() == b"".join(PAGES[:3])


async def test_what_is_left_is_gone_on_with(target, left):
    """Nothing of it is written again."""
    file = PartFile(target, SUBJECT, resume=True)
    assert (file.mark.items, file.mark.checkpoint) == (3, "3")
    file.leave()
    assert beside(target, ".part").read_bytes() == left[0]
    await write_all(target)
    assert target.read_bytes() == b"".join(PAGES)
    assert names(target) == ["list.csv"]


async def test_cut_at_any_byte(target, left):
    """Wherever the file or its journal ends, by whatever it was cut, the result is the file that it would have been."""
    part, journal = left
    cuts = [(size, len(journal)) for size in range(len(part) + 1)]
    cuts += [(len(part), size) for size in range(len(journal) + 1)]
    for part_size, journal_size in cuts:
        beside(target, ".part").write_bytes(part[:part_size])
        beside(target, ".part.journal").write_bytes(journal[:journal_size])
        await write_all(target)
        assert target.read_bytes() == b"".join(PAGES), (part_size, journal_size)
        target.unlink()


async def test_cut_again_and_again(target, left):
    """A run that went on may be cut as well, at any byte, and so may the next."""
    for lost in range(1, 40):
        file = PartFile(target, SUBJECT, resume=True)
        for page in range(file.mark.items, 4):
            await file.write(PAGES[page], items=page + 1, checkpoint=str(page + 1))
        file.leave()
        for suffix in (".part", ".part.journal")[lost % 3 :]:
            content = beside(target, suffix).read_bytes()
            beside(target, suffix).write_bytes(content[: max(0, len(content) - lost)])
    await write_all(target)
    assert target.read_bytes() == b"".join(PAGES)


@pytest.mark.parametrize("missing", [".part", ".part.journal"])
async def test_one_of_the_two_missing(target, left, missing):
    """Then there is nothing to go on with, and the file is begun."""
    beside(target, missing).unlink()
    await write_all(target)
    assert target.read_bytes() == b"".join(PAGES)


async def test_without_resume_it_is_begun_anew(target, left):
    """What was left is not looked at, not even its subject."""
    file = PartFile(target, SUBJECT | {"--search": "x"}, resume=False)
    assert file.mark.items == 0
    assert beside(target, ".part").read_bytes() == b""
    file.leave()
    assert names(target) == []


async def test_another_subject(target, left):
    """A file about something else is not gone on with, and not touched."""
    with pytest.raises(UsageError) as caught:
        PartFile(target, {"--search": "x", "--format": "jsonl"}, resume=True)
    assert str(caught.value) == (
        f"{target}.part was begun without --search and with --format csv: "
        "repeat that, or leave out --resume to begin anew"
    )
    assert beside(target, ".part").read_bytes() == left[0]
    await write_all(target)


async def test_a_run_without_items_leaves_nothing(target):
    """There is nothing to go on with."""
    file = PartFile(target, SUBJECT, resume=False)
    await file.write(b"head\n", items=0, checkpoint=None)
    file.leave()
    assert names(target) == []


async def test_a_file_that_cannot_be_gone_on_with_leaves_nothing(target, left):
    """It keeps no journal, and clears away the one that is there, which does not speak of it."""
    file = PartFile(target, None, resume=False)
    assert names(target) == ["list.csv.part"]
    await file.write(b"[", items=1, checkpoint="1")
    file.leave()
    assert names(target) == []


async def test_one_run_at_a_time(target):
    """Another run about the same place is refused, and harms neither."""
    file = PartFile(target, SUBJECT, resume=False)
    await file.write(PAGES[0], items=1, checkpoint="1")
    for resume in (True, False):
        with pytest.raises(UsageError, match=r"^another run is writing .*list\.csv\.part$"):
            PartFile(target, SUBJECT, resume=resume)
    file.finish()
    assert target.read_bytes() == PAGES[0]
    await write_all(target)


async def test_a_file_system_without_locks(target, monkeypatch):
    """It is written all the same."""

    def flock(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    await write_all(target)
    assert target.read_bytes() == b"".join(PAGES)


@pytest.mark.parametrize("gone", [True, False])
async def test_a_run_that_comes_while_another_ends(target, monkeypatch, gone):
    """A file that was put in its place between being opened and being locked is not written into."""
    first = PartFile(target, SUBJECT, resume=False)
    await first.write(PAGES[0], items=1, checkpoint="1")
    open_path = Path.open

    def open_late(path, mode="r"):
        stream = open_path(path, mode)
        if path.suffix == ".part" and mode == "ab":
            first.finish()
            if not gone:
                path.touch()
        return stream

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", open_late)
        with pytest.raises(UsageError, match="another run is writing"):
            PartFile(target, SUBJECT, resume=False)
    assert target.read_bytes() == PAGES[0]


@pytest.fixture
def full():
    with Path("/dev/full").open("ab") as full:
        yield full


async def test_a_full_disk(target, left, full):
    """A page that found no room is no part of what is left."""
    file = PartFile(target, SUBJECT, resume=True)
    file._stream.close()
    file._stream = full
    with pytest.raises(OSError, match="No space left"):
        await file.write(PAGES[3], items=4, checkpoint="4")
    file.leave()
    assert full.closed
    assert file._notes.closed
    assert beside(target, ".part").read_bytes() == left[0]


async def test_a_replaced_file_keeps_its_mode(target):
    """Who may read a file is decided once; a new one is as any program's."""
    await write_all(target)
    usual = target.with_name("usual")
    usual.touch()
    assert target.stat().st_mode == usual.stat().st_mode
    target.chmod(0o640)
    await write_all(target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
