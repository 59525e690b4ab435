"""A file that takes its place only when it is whole, and that another run can go on with."""

import errno
import fcntl
import json
import os
import stat
from pathlib import Path

import pytest

from aiotofupilot.cli.failures import UsageError
from aiotofupilot.cli.output import files
from aiotofupilot.cli.output.files import PartFile
from aiotofupilot.cli.output.journal import digest_of, is_digest_of

HEADER = {"--search": None, "--format": "csv"}
PAGES = [f"{page}{'x' * page}\n".encode() for page in range(5)]


@pytest.fixture
def target(tmp_path):
    return tmp_path / "list.csv"


async def write_all(target, *, header=HEADER, resume=True):
    """What a command does: go on behind what is there, to the end."""
    file = PartFile(target, header, resume=resume)
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
    file = PartFile(target, HEADER, resume=False)
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
    await write_all(target, resume=False)
    assert target.read_bytes() == b"".join(PAGES)
    assert names(target) == ["list.csv"]


async def test_until_then_the_place_is_left_alone(target):
    """Each page is on the disk when it is written, and so is its mark, beside the place."""
    target.write_text("old")
    file = PartFile(target, HEADER, resume=False)
    for page in range(3):
        await file.write(PAGES[page], items=page + 1, checkpoint=str(page + 1))
        assert beside(target, ".part").read_bytes() == b"".join(PAGES[: page + 1])
        assert beside(target, ".part.journal").read_bytes().count(b"\n") == page + 2
    assert target.read_text() == "old"
    file.finish()
    assert target.read_bytes() == b"".join(PAGES[:3])


async def test_what_is_left_is_gone_on_with(target, left):
    """Nothing of it is written again."""
    file = PartFile(target, HEADER, resume=True)
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
        file = PartFile(target, HEADER, resume=True)
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


FINISHED = (
    "{} is there already, and no interrupted run has left anything of it to go on with: "
    "leave out --resume to replace it, or choose another --output"
)


@pytest.mark.parametrize("header", [HEADER, HEADER | {"--max-items": 5}, {"--format": "jsonl"}])
async def test_a_finished_file_is_not_gone_on_with(target, header):
    """Nobody knows any more what it holds, so that it is neither replaced nor taken for what is asked for."""
    await write_all(target)
    with pytest.raises(UsageError) as caught:
        PartFile(target, header, resume=True)
    assert str(caught.value) == FINISHED.format(target)
    assert target.read_bytes() == b"".join(PAGES)
    assert names(target) == ["list.csv"]


@pytest.mark.parametrize("missing", [".part", ".part.journal"])
async def test_a_finished_file_beside_half_of_what_a_run_left(target, left, missing):
    """A part without its journal, or a journal without its part, is nothing to go on with. It is kept as it is."""
    beside(target, missing).unlink()
    target.write_text("finished")
    kept = {path: path.read_bytes() for path in target.parent.iterdir()}
    with pytest.raises(UsageError) as caught:
        PartFile(target, HEADER, resume=True)
    assert str(caught.value) == FINISHED.format(target)
    assert {path: path.read_bytes() for path in target.parent.iterdir()} == kept


async def test_an_empty_file_is_written(target):
    """Nothing can be lost of it, and a program that makes temporary files begins with one."""
    target.touch()
    await write_all(target)
    assert target.read_bytes() == b"".join(PAGES)


async def test_a_file_that_is_being_replaced_is_gone_on_with(target, left):
    """The run that was interrupted was to replace it, and so it is replaced when everything has arrived."""
    target.write_text("of yesterday")
    await write_all(target)
    assert target.read_bytes() == b"".join(PAGES)


async def test_without_resume_it_is_begun_anew(target, left):
    """The files of the earlier run are not read, not even their header. They are replaced when a page has arrived."""
    file = PartFile(target, HEADER | {"--search": "x"}, resume=False)
    assert file.mark.items == 0
    await file.write(b"anew\n", items=1, checkpoint="1")
    assert beside(target, ".part").read_bytes() == b"anew\n"
    file.leave()
    assert beside(target, ".part").read_bytes() == b"anew\n"
    file = PartFile(target, HEADER | {"--search": "x"}, resume=True)
    assert file.mark.items == 1
    file.leave()


@pytest.mark.parametrize("header", [HEADER, HEADER | {"--search": "x"}, None])
async def test_a_run_that_begins_anew_and_fails_loses_nothing(target, left, header):
    """What an interrupted run has left is kept until there is something in its stead."""
    file = PartFile(target, header, resume=False)
    assert file.mark.items == 0
    file.leave()
    assert (beside(target, ".part").read_bytes(), beside(target, ".part.journal").read_bytes()) == left
    await write_all(target)
    assert target.read_bytes() == b"".join(PAGES)


async def test_a_part_without_a_journal_is_kept_by_a_run_that_fails(target, left):
    """It may be a file of the user's. No journal is left beside it that would not speak of it."""
    beside(target, ".part.journal").unlink()
    file = PartFile(target, HEADER, resume=False)
    file.leave()
    assert names(target) == ["list.csv.part"]
    assert beside(target, ".part").read_bytes() == left[0]


async def test_an_empty_listing_begins_anew_as_well(target, left):
    """Nothing of it has been written when it takes its place."""
    file = PartFile(target, HEADER, resume=False)
    file.finish()
    assert target.read_bytes() == b""
    assert names(target) == ["list.csv"]


async def test_another_header(target, left):
    """A file about something else is not gone on with, and not touched."""
    with pytest.raises(UsageError) as caught:
        PartFile(target, {"--search": "x", "--format": "jsonl"}, resume=True)
    assert str(caught.value) == (
        f"{target}.part was begun without --search and with --format csv: "
        "give the same again, or leave out --resume to begin anew"
    )
    assert beside(target, ".part").read_bytes() == left[0]
    await write_all(target)


async def test_a_run_without_items_leaves_nothing(target):
    """There is nothing to go on with."""
    file = PartFile(target, HEADER, resume=False)
    await file.write(b"head\n", items=0, checkpoint=None)
    file.leave()
    assert names(target) == []


async def test_a_file_that_cannot_be_gone_on_with_leaves_nothing(target, left):
    """It keeps no journal, and clears away the one that is there, which does not speak of it."""
    file = PartFile(target, None, resume=False)
    await file.write(b"[", items=1, checkpoint="1")
    assert names(target) == ["list.csv.part"]
    file.leave()
    assert names(target) == []


async def test_one_run_at_a_time(target):
    """Another run about the same place is refused, and harms neither."""
    file = PartFile(target, HEADER, resume=False)
    await file.write(PAGES[0], items=1, checkpoint="1")
    for resume in (True, False):
        with pytest.raises(UsageError, match=r"^another run is writing .*list\.csv\.part$"):
            PartFile(target, HEADER, resume=resume)
    file.finish()
    assert target.read_bytes() == PAGES[0]
    await write_all(target, resume=False)


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
    first = PartFile(target, HEADER, resume=False)
    await first.write(PAGES[0], items=1, checkpoint="1")
    open_path = os.open

    def open_late(path, flags, mode):
        number = open_path(path, flags, mode)
        first.finish()
        if not gone:
            path.write_bytes(b"")
        return number

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", open_late)
        with pytest.raises(UsageError, match="another run is writing"):
            PartFile(target, HEADER, resume=False)
    assert target.read_bytes() == PAGES[0]


@pytest.fixture
def full():
    with Path("/dev/full").open("ab", buffering=0) as full:
        yield full


async def test_a_full_disk(target, left, full):
    """A page that found no room is no part of what is left."""
    file = PartFile(target, HEADER, resume=True)
    file._stream.close()
    file._stream = full
    with pytest.raises(OSError, match="No space left"):
        await file.write(PAGES[3], items=4, checkpoint="4")
    file.leave()
    assert full.closed
    assert file._notes.closed
    assert beside(target, ".part").read_bytes() == left[0]


async def test_a_page_that_was_written_in_part(target, left, monkeypatch):
    """A page whose write fails half-way is cut off, so that the file holds what its mark says."""
    file = PartFile(target, HEADER, resume=True)

    def write_some(stream, data):
        stream.write(data[:1])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "write_all", write_some)
    with pytest.raises(OSError, match="No space left"):
        await file.write(PAGES[3], items=4, checkpoint="4")
    assert file.mark.items == 3
    file.leave()
    assert beside(target, ".part").read_bytes() == left[0]


async def test_a_page_that_was_not_noted(target, left, full):
    """The part file keeps no page that the journal had no room for, because another run could not resume after it."""
    file = PartFile(target, HEADER, resume=True)
    file._notes.close()
    file._notes = full
    with pytest.raises(OSError, match="No space left"):
        await file.write(PAGES[3], items=4, checkpoint="4")
    assert file.mark.items == 3
    file.leave()
    assert (beside(target, ".part").read_bytes(), beside(target, ".part.journal").read_bytes()) == left


async def test_progress_of_a_resumed_run_is_kept(target, left):
    """Wherever the journal was cut before a run resumed, the next run resumes where that one ended."""
    part, journal = left
    for size in range(len(journal) + 1):
        beside(target, ".part").write_bytes(part)
        beside(target, ".part.journal").write_bytes(journal[:size])
        file = PartFile(target, HEADER, resume=True)
        for page in range(file.mark.items, 4):
            await file.write(PAGES[page], items=page + 1, checkpoint=str(page + 1))
        file.leave()
        again = PartFile(target, HEADER, resume=True)
        assert (again.mark.items, again.mark.checkpoint) == (4, "4"), size
        again.leave()


@pytest.mark.parametrize("line", [b"3\n", b"[]\n", b"null\n"])
async def test_a_journal_that_is_none(target, left, line):
    """A journal cannot be resumed if its first line has no header."""
    beside(target, ".part.journal").write_bytes(line)
    file = PartFile(target, HEADER, resume=True)
    assert file.mark.items == 0
    file.leave()


@pytest.mark.parametrize("suffix", [".part", ".part.journal"])
@pytest.mark.parametrize("resume", [True, False])
async def test_a_link_beside_the_place_is_not_followed(target, suffix, resume):
    """What a symbolic link in place of either file leads to is not touched, and the start leaves nothing behind."""
    precious = target.with_name("precious")
    precious.write_text("precious")
    beside(target, suffix).symlink_to(precious)
    with pytest.raises(UsageError) as caught:
        PartFile(target, HEADER, resume=resume)
    assert str(caught.value) == f"{target}{suffix} is a symbolic link: remove it"
    assert precious.read_text() == "precious"
    assert names(target) == sorted([f"list.csv{suffix}", "precious"])


@pytest.mark.parametrize("suffix", [".part", ".part.journal"])
@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
async def test_something_else_beside_the_place(target, left, suffix, make):
    """A folder or a pipe in place of either file is said by name, and what an earlier run has left stays whole."""
    beside(target, suffix).unlink()
    make(beside(target, suffix))
    with pytest.raises(UsageError) as caught:
        PartFile(target, HEADER, resume=False)
    assert str(caught.value) == f"{target}{suffix} is no file: remove it"
    if suffix == ".part.journal":
        assert beside(target, ".part").read_bytes() == left[0]


async def test_a_start_without_room_leaves_nothing(target, monkeypatch):
    """Where not even the journal's first line finds room, no empty file is left."""

    def refuse(stream, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "write_all", refuse)
    with pytest.raises(OSError, match="No space left"):
        PartFile(target, HEADER, resume=False)
    assert names(target) == []


async def test_one_of_the_two_cannot_be_opened(target, monkeypatch):
    """An error that is not about a link is told as it is."""
    open_path = os.open

    def open_once(path, flags, mode):
        if flags & os.O_EXCL:
            raise FileExistsError
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", open_once)
    with pytest.raises(PermissionError):
        PartFile(target, HEADER, resume=False)
    monkeypatch.setattr(os, "open", open_path)
    assert names(target) == []


class TestKey:
    """Who asked for what the file holds."""

    @pytest.fixture
    async def asked(self, target):
        file = PartFile(target, HEADER, key="s3cr3t", resume=False)
        await file.write(PAGES[0], items=1, checkpoint="1")
        file.leave()

    async def test_the_same_key(self, target, asked):
        """The same key can resume the file any number of times."""
        for _ in range(2):
            file = PartFile(target, HEADER, key="s3cr3t", resume=True)
            assert file.mark.items == 1
            file.leave()

    @pytest.mark.parametrize("key", ["other", None])
    async def test_another_key(self, target, asked, key):
        """Another account's listing is not mixed in."""
        with pytest.raises(UsageError) as caught:
            PartFile(target, HEADER, key=key, resume=True)
        assert str(caught.value) == (
            f"{target}.part was begun with another API key: give the same again, or leave out --resume to begin anew"
        )

    @pytest.mark.parametrize("digest", [None, 3, "", "00", "no digest"])
    async def test_a_journal_without_a_digest(self, target, asked, digest):
        """A journal without a valid digest cannot be resumed with a key."""
        journal = beside(target, ".part.journal")
        first, rest = journal.read_bytes().split(b"\n", 1)
        document = json.loads(first) | {"key": digest}
        journal.write_bytes(json.dumps(document).encode() + b"\n" + rest)
        with pytest.raises(UsageError, match="with another API key"):
            PartFile(target, HEADER, key="s3cr3t", resume=True)

    async def test_the_key_is_not_kept(self, target, asked):
        """The journal does not hold the key. The digests of the same key in two files differ."""
        journal = beside(target, ".part.journal").read_bytes()
        assert b"s3cr3t" not in journal
        digests = {digest_of("s3cr3t") for _ in range(10)}
        assert len(digests) == 10
        assert all(is_digest_of("s3cr3t", digest) and not is_digest_of("s3cr3", digest) for digest in digests)


async def test_a_replaced_file_keeps_its_mode(target):
    """Who may read a file is decided once; a new one is as any program's."""
    await write_all(target)
    usual = target.with_name("usual")
    usual.touch()
    assert target.stat().st_mode == usual.stat().st_mode
    target.chmod(0o640)
    await write_all(target, resume=False)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
