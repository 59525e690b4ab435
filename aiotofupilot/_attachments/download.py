"""Downloads one attachment, or many at once, into files whose names work on every system."""

import asyncio
import os
import re
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any, TypeAlias, cast
from weakref import WeakValueDictionary

from attrs import evolve, frozen

from aiotofupilot._checks import integer, must_be
from aiotofupilot._http.client import Connection
from aiotofupilot._otel import download_span
from aiotofupilot._paging.iteration import Iteration
from aiotofupilot._paging.tasks import Tasks
from aiotofupilot._secret import Secret
from aiotofupilot.errors import APIError, AttachmentError, SessionError, TofuPilotError
from aiotofupilot.listings import listing_class
from aiotofupilot.models import Attachment, RunDetails, UnitDetails

from .part import PartFile, in_thread
from .storage import receive

__all__ = ["Download"]

Attachments: TypeAlias = (
    Iterable[Attachment | RunDetails | UnitDetails] | AsyncIterable[Attachment | RunDetails | UnitDetails]
)

_REFUSALS = frozenset({400, 401, 403, 404, 410})
"""Statuses with which storages refuse an expired address."""

_locks: WeakValueDictionary[tuple[int, Path], asyncio.Lock] = WeakValueDictionary()
"""The locks of files that are being downloaded, by event loop and path."""


@frozen(kw_only=True)
class Download:
    """The result for one attachment of many."""

    attachment: Attachment
    """The attachment."""
    path: Path | None
    """Its complete file, or None if it could not be downloaded."""
    is_new: bool
    """Whether the file was downloaded now. False if it was there already, or could not be downloaded."""
    error: TofuPilotError | None
    """Why it could not be downloaded, or None."""


async def download(connection: Connection, attachment: object, folder: object) -> Path:
    """Download one attachment; see `TofuPilotSession.download`."""
    path, _ = await _complete(connection, _checked(attachment), _folder(folder))
    return path


def downloads(connection: Connection, attachments: object, folder: object, *, concurrency: object) -> "Downloads":
    """Download many attachments at once; see `TofuPilotSession.downloads`."""
    if not isinstance(attachments, AsyncIterable | Iterable):
        raise must_be(TypeError, "attachments", "an iterable or an asynchronous iterable", attachments)
    place = _folder(folder)

    async def one(attachment: Attachment) -> Download:
        try:
            path, is_new = await _complete(connection, attachment, place)
        except SessionError:
            raise
        except TofuPilotError as error:
            return Download(attachment=attachment, path=None, is_new=False, error=error)
        return Download(attachment=attachment, path=path, is_new=is_new, error=None)

    return Downloads(one, cast("Any", attachments), integer("concurrency", concurrency, low=1))


async def _complete(connection: Connection, attachment: Attachment, folder: Path) -> tuple[Path, bool]:
    """Return the path of a complete file, and whether it was downloaded now."""
    path = folder / relative_path(attachment)

    async def work() -> bool:
        async with _locks.setdefault((id(asyncio.get_running_loop()), path.absolute()), asyncio.Lock()):
            part = PartFile(path)
            try:
                if not await in_thread(part.open):
                    return False
                await _receive(connection, attachment, part)
                await in_thread(part.finish)
            finally:
                part.leave()
        return True

    with download_span():
        return path, await connection.lifetime.run(work)


async def _receive(connection: Connection, attachment: Attachment, part: PartFile) -> None:
    """Receive the whole file. If the storage refuses the address, try a new one once."""
    is_renewed = attachment.download_url is None
    if is_renewed:
        attachment = await _renewed(connection, attachment)
    while True:
        try:
            address, name = Secret(attachment.download_url), f"attachment {attachment.id!r}"
            return await receive(connection, address, part, name, attachment.size)
        except APIError as error:
            if is_renewed or error.status not in _REFUSALS:
                raise
            if attachment.owner is None:
                error.hint = "if the address has expired, read the run or unit again"
                raise
        attachment, is_renewed = await _renewed(connection, attachment), True


async def _renewed(connection: Connection, attachment: Attachment) -> Attachment:
    listing, key = attachment.owner or ("", "")
    name, whose = f"attachment {attachment.id!r}", f"{listing.removesuffix('s')} {key!r}"
    source: Any = listing_class(listing)(connection)
    owner: RunDetails | UnitDetails = await source.get(key)
    found = next((one for one in owner.attachments if one.id == attachment.id), None)
    if found is None:
        raise AttachmentError(f"{whose} has no {name} any more")
    if found.download_url is None:
        failure = AttachmentError(f"the server has no address for {name} of {whose}")
        failure.hint = "perhaps its upload has not ended"
        raise failure
    return evolve(attachment, download_url=found.download_url, size=found.size)


class Downloads(Iteration[Download]):
    """Downloads many attachments at once, and yields the result of each as it ends.

    After an error or a cancellation no file is in flight, and the next call continues with the missing ones. If the
    iterable raises an error, earlier attachments are finished first.
    """

    def __init__(
        self, one: Callable[[Attachment], Coroutine[Any, Any, Download]], attachments: Attachments, concurrency: int
    ) -> None:
        self._one = one
        self._given = attachments
        self._source: AsyncIterator[object] = (
            aiter(attachments) if isinstance(attachments, AsyncIterable) else _read(attachments)
        )
        self._concurrency = concurrency
        self._due: deque[Attachment] = deque()
        """Attachments read, but not being downloaded."""
        self._tasks: Tasks[Attachment, Download] = Tasks()
        """Downloads that are running or not yet yielded, and the task that reads the next attachment."""
        self._has_read_all = False

    async def _advance(self) -> bool:
        tasks = self._tasks
        try:
            await tasks.settle()
            while True:
                self._fill()
                ended = tasks.ended
                if ended is not None:
                    self._offer([self._result(ended)])
                    return True
                if not tasks.in_flight:
                    break
                await tasks.any_ended()
            self._raise_failure()
        except BaseException:
            # A cancelled generator would end, and an item read in a thread would be lost.
            self._stop(spares_reading=not isinstance(self._source, Iteration))
            raise
        finally:
            ended = None  # its error knows this frame
        await self._close()
        return False

    async def _close(self) -> None:
        self._drop()
        self._stop(spares_reading=False)
        await self._tasks.settle()
        aclose = getattr(self._source, "aclose", None)
        if aclose is not None and self._source is not self._given:
            await aclose()

    def _fill(self) -> None:
        """Start as many downloads as allowed, and read on if nothing waits."""
        tasks = self._tasks
        while True:
            if tasks.beside is not None and tasks.beside.done():
                self._take_up(tasks.beside)
            while self._due and len(tasks) < self._concurrency:
                attachment = self._due.popleft()
                tasks.start(self._one(attachment), attachment)
            if self._due or tasks.beside is not None or self._has_read_all or self._failure is not None:
                return
            tasks.start_beside(self._read_on())

    async def _read_on(self) -> object:
        return await anext(self._source, _END)

    def _take_up(self, reading: asyncio.Task[object]) -> None:
        self._tasks.beside = None
        try:
            item = reading.result()
            if item is _END:
                self._has_read_all = True
            elif isinstance(item, RunDetails | UnitDetails):
                self._due += item.attachments
            else:
                self._due.append(_checked(item))
        except BaseException as error:  # noqa: BLE001 - it is raised after the results of earlier items
            self._failure = error
        finally:
            del reading  # which knows its error, which knows this frame

    def _result(self, task: asyncio.Task[Download]) -> Download:
        """Return the result of a download. After an error, it is tried again."""
        attachment = self._tasks.take(task)
        try:
            return task.result()
        except BaseException:
            self._due.appendleft(attachment)
            raise
        finally:
            del task  # which knows its error, which knows this frame

    def _stop(self, *, spares_reading: bool) -> None:
        """Cancel the downloads in flight. They are resumed later, where the file is."""
        self._due.extendleft(reversed(self._tasks.stop(spares_beside=spares_reading)))


_END = object()


async def _read(items: Iterable[object]) -> AsyncGenerator[object]:
    """Yield the items of a plain iterable, read in threads because it may block."""
    iterator = iter(items)
    while (item := await _in_daemon(partial(next, iterator, _END))) is not _END:
        yield item


async def _in_daemon(work: Callable[[], object]) -> object:
    """Run work in a daemon thread, for which a program that ends does not wait.

    The work may wait for the blocking session whose loop runs this, which is closed later.
    """
    result: Future[object] = Future()
    result.set_running_or_notify_cancel()
    context = copy_context()

    def run() -> None:
        try:
            result.set_result(context.run(work))
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is waited for
            result.set_exception(error)

    Thread(target=run, name="aiotofupilot-attachments", daemon=True).start()
    return await asyncio.wrap_future(result)


def _checked(attachment: object) -> Attachment:
    if not isinstance(attachment, Attachment):
        raise must_be(TypeError, "attachment", "an Attachment, which details() of runs and units have", attachment)
    owner = attachment.owner
    if owner is None and attachment.download_url is None:
        bound = "one with an address or an owner, such as from the details of a run or a unit"
        raise must_be(ValueError, "attachment", bound, attachment)
    if owner is not None and owner[0] not in {"runs", "units"}:
        raise must_be(ValueError, "attachment.owner", '("runs", id) or ("units", serial_number)', owner)
    return attachment


def _folder(folder: object) -> Path:
    if not isinstance(folder, str | os.PathLike):
        raise must_be(TypeError, "folder", "a string or a path", folder)
    return Path(cast("str | os.PathLike[str]", folder))


_FORBIDDEN = frozenset('/\\:*?"<>|')

_ID_BYTES = 120
_NAME_BYTES = 240
"""File systems take 255 bytes, and the name of a part is longer than that of its file."""

_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)", re.IGNORECASE)
"""The names that Windows takes for a device, even with an ending."""


def relative_path(attachment: Attachment) -> str:
    """Return the path of an attachment in a folder: ``<id of the owner>/<id>-<name>``, or without owner."""
    identity = _identity(attachment.id)
    name = _cleaned(attachment.name)
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - it is a name, and not a path
    most = _NAME_BYTES - len(f"{identity}-".encode())
    if len(name.encode()) > most:
        name = (
            _cut(stem, most - len(suffix.encode())) + suffix if len(suffix) < len(stem) else _cut(name, most)
        ).rstrip(". ")
    file = f"{identity}-{name}" if name else identity
    return file if attachment.owner is None else f"{_identity(attachment.owner[1])}/{file}"


def _identity(text: str) -> str:
    """Return an ID as a file name. Two IDs never have the same name.

    An ID with a tilde, or that is not a valid name on every system, is changed, and gets a digest after a tilde.
    """
    name = _cut(_cleaned(text).replace("~", "_"), _ID_BYTES - 34)
    if text and text == name and not _DEVICE.match(name):
        return text
    return f"_{name}~{sha256(text.encode(errors='surrogatepass')).hexdigest()[:32]}"


def _cleaned(text: str) -> str:
    """Replace the characters that a file name may not hold. Control characters and marks are not printable."""
    return "".join("_" if one in _FORBIDDEN or not one.isprintable() else one for one in text).strip(". ")


def _cut(text: str, length: int) -> str:
    """Return the beginning of a text, in at most ``length`` bytes."""
    return text.encode()[:length].decode(errors="ignore")
