"""Attachments as files, from the sandbox's storage: over real sockets, and with its faults."""

import pytest

from aiotofupilot import Attachment, AttachmentError, TofuPilotSession
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.storage import contents


@pytest.fixture
async def sandbox():
    async with Sandbox(5, runs=30) as sandbox:
        yield sandbox


@pytest.fixture
async def session(sandbox):
    async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
        yield session


@pytest.fixture
async def attachment(session):
    """An attachment of a run, with an address."""
    runs = await session.runs.list().details().collect()
    return next(one for run in runs for one in run.attachments if one.download_url)


def stored(sandbox):
    """The requests to the storage."""
    return [request for request in sandbox.requests if request.path.startswith("/storage/")]


async def test_a_file_lies_under_its_run(session, attachment, tmp_path):
    path = await session.download(attachment, tmp_path)
    assert path == tmp_path / attachment.owner[1] / f"{attachment.id}-{attachment.name}"
    assert path.read_bytes() == contents(attachment.id)
    assert list(path.parent.iterdir()) == [path]


async def test_a_file_that_is_there_costs_no_request(session, sandbox, attachment, tmp_path):
    path = await session.download(attachment, tmp_path)
    count = len(sandbox.requests)
    assert await session.download(attachment, str(tmp_path)) == path
    assert len(sandbox.requests) == count


async def test_an_address_that_has_expired_is_read_again(session, sandbox, attachment, tmp_path):
    sandbox.storage.lifetime = -1.0
    (expired,) = [one for one in (await session.runs.get(attachment.owner[1])).attachments if one == attachment]
    sandbox.storage.lifetime = 300.0
    path = await session.download(expired, tmp_path)
    assert path.read_bytes() == contents(attachment.id)
    assert [request.status for request in stored(sandbox)] == [403, 200]


async def test_many_are_downloaded_at_once(session, sandbox, tmp_path):
    runs = session.runs.list().details()
    async for done in session.downloads(runs, tmp_path):
        if done.error is None:
            assert done.path.read_bytes() == contents(done.attachment.id)
        else:
            assert isinstance(done.error, AttachmentError)
    count = len(stored(sandbox))
    assert not [done async for done in session.downloads(runs, tmp_path) if done.is_new]
    assert len(stored(sandbox)) == count > 0


async def test_what_nobody_can_download_is_refused(session, tmp_path):
    with pytest.raises(ValueError, match="neither an address nor an owner"):
        await session.download(Attachment(id="a", name="b", size=None, content_type=None), tmp_path)
