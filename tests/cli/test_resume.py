"""A file that takes its place only when it is whole, and that another run can complete."""

import errno
import fcntl
import json
import os
from contextlib import suppress

import pytest

from aiotofupilot.cli import run
from aiotofupilot.cli.messages import UsageError
from aiotofupilot.cli.options import KEY
from aiotofupilot.cli.output import PartFile
from aiotofupilot.sandbox.faults import status

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


@pytest.mark.parametrize("state", [b"{}", b"[]", b"41", b'{"size": 1}', b'{"size": "1"}', b"\xff"])
async def test_what_is_not_a_state_is_taken_for_none(target, left, state):
    """Somebody else may have written the file."""
    beside(target, ".part.state").write_bytes(state)
    file = PartFile(target, OPTIONS, resume=True)
    assert file.state.items == 0
    file.leave()


@pytest.mark.parametrize("missing", [".part", ".part.state"])
async def test_one_of_the_two_missing(target, left, missing):
    """Then there is nothing to complete, and the file is begun."""
    beside(target, missing).unlink()
    await write_all(target)
    assert target.read_bytes() == b"".join(PAGES)


FINISHED = (
    "{} is there already, and no interrupted run has left anything of it to go on with: "
    "leave out --resume to replace it, or choose another --output"
)


async def test_a_finished_file_and_a_part_without_state_are_kept(target, left):
    """A part without its state cannot be completed. Both files are kept as they are."""
    beside(target, ".part.state").unlink()
    target.write_text("finished")
    kept = {path: path.read_bytes() for path in target.parent.iterdir()}
    with pytest.raises(UsageError) as caught:
        PartFile(target, OPTIONS, resume=True)
    assert str(caught.value) == FINISHED.format(target)
    assert {path: path.read_bytes() for path in target.parent.iterdir()} == kept


async def test_without_resume_it_is_begun_anew(target, left):
    """The files of the earlier run are not read, not even their options. They are replaced when a page has arrived."""
    options = OPTIONS | {"--search": "x"}
    file = PartFile(target, options, resume=False)
    assert file.state.items == 0
    await file.write(b"anew\n", items=1, checkpoint="1")
    assert beside(target, ".part").read_bytes() == b"anew\n"
    file.leave()
    assert beside(target, ".part").read_bytes() == b"anew\n"
    file = PartFile(target, options, resume=True)
    assert file.state.items == 1
    file.leave()


@pytest.mark.parametrize("options", [OPTIONS, OPTIONS | {"--search": "x"}])
async def test_a_run_that_begins_anew_and_fails_loses_nothing(target, left, options):
    """What an interrupted run has left is kept until there is something in its stead."""
    file = PartFile(target, options, resume=False)
    assert file.state.items == 0
    file.leave()
    assert (beside(target, ".part").read_bytes(), beside(target, ".part.state").read_bytes()) == left
    await write_all(target)
    assert target.read_bytes() == b"".join(PAGES)


async def test_a_part_without_a_state_is_kept_by_a_run_that_fails(target, left):
    """It may be a file of the user's. No state is left beside it that would not speak of it."""
    beside(target, ".part.state").unlink()
    file = PartFile(target, OPTIONS, resume=False)
    file.leave()
    assert names(target) == ["list.csv.part"]
    assert beside(target, ".part").read_bytes() == left[0]


async def test_a_run_that_writes_no_item_leaves_nothing(target):
    """A header alone is nothing to go on with."""
    file = PartFile(target, OPTIONS, resume=False)
    await file.write(b"head\n", items=0, checkpoint=None)
    file.leave()
    assert names(target) == []


async def test_one_run_at_a_time(target):
    """Another run about the same place is refused, and harms neither."""
    file = PartFile(target, OPTIONS, resume=False)
    for page in range(2):
        for resume in (True, False):
            with pytest.raises(UsageError, match=r"^another run is writing .*list\.csv\.part$"):
                PartFile(target, OPTIONS, resume=resume)
        await write_pages(file, page + 1)
    await file.finish()
    assert target.read_bytes() == b"".join(PAGES[:2])
    await write_all(target, resume=False)


@pytest.fixture
def without_locks(monkeypatch):
    def flock(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)


async def test_without_locks_each_run_has_a_part_of_its_own(target, without_locks):
    """Such as on a share. Both files are whole, and the last one stays."""
    one, other = (PartFile(target, OPTIONS, resume=resume) for resume in (False, True))
    await write_pages(one, 2)
    await write_pages(other, len(PAGES))
    await one.finish()
    assert target.read_bytes() == b"".join(PAGES[:2])
    await other.finish()
    assert target.read_bytes() == b"".join(PAGES)
    assert names(target) == ["list.csv"]


async def test_without_locks_nothing_is_left_and_nothing_is_taken_over(target, left, without_locks):
    """What a run that was killed has left keeps no other one off."""
    beside(target, ".part.0a1b").write_bytes(b"of a run that was killed")
    before = names(target)
    file = PartFile(target, OPTIONS, resume=True)
    await write_pages(file, 3)
    file.leave()
    assert file.state.items == 0
    assert names(target) == before
    await write_all(target)
    assert target.read_bytes() == b"".join(PAGES)
    assert names(target) == ["list.csv", *before]


def test_without_locks_nobody_is_told_to_resume(sandbox, target, without_locks, capfd):
    sandbox.faults.on(lambda request: request.query.get("cursor") == "99").always(status(500))
    assert run(["procedures", "--retries", "0", "--output", str(target)]) == 4
    assert "--resume" not in capfd.readouterr().err
    assert names(target) == []


@pytest.mark.parametrize("suffix", [".part", ".part.state", ".part.state.new"])
async def test_a_pipe_beside_the_place_is_not_waited_for(target, suffix):
    os.mkfifo(beside(target, suffix))
    with pytest.raises(OSError, match="not a regular file: "):
        await write_all(target)


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


@pytest.mark.parametrize("suffix", [".part", ".part.state", ".part.state.new"])
async def test_a_link_beside_the_place_is_not_followed(target, suffix):
    """What a symbolic link in place of either file leads to is not touched."""
    precious = target.with_name("precious")
    precious.write_text("precious")
    beside(target, suffix).symlink_to(precious)
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        await write_all(target)
    assert precious.read_text() == "precious"


@pytest.mark.parametrize("keys", [("one", "other"), ("one", None), (None, "other")], ids=str)
async def test_a_part_of_another_key_is_refused(target, keys):
    """Another account's listing is not mixed in. Nothing of either key is told, not even a digest."""
    first, second = (OPTIONS | ({KEY: key} if key else {}) for key in keys)
    file = PartFile(target, first, resume=False)
    await file.write(PAGES[0], items=1, checkpoint="1")
    file.leave()
    with pytest.raises(UsageError) as caught:
        PartFile(target, second, resume=True)
    assert str(caught.value) == (
        f"{target}.part was begun with another API key: give the same again, or leave out --resume to begin anew"
    )
    with pytest.raises(UsageError, match=r"was begun without --search: give the same again"):
        PartFile(target, second | {"--search": "x"}, resume=True)
    file = PartFile(target, first, resume=True)
    assert file.state.items == 1
    file.leave()
