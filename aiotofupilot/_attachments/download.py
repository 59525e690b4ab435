"""Downloads one attachment, or many at once, into files whose names work on every system."""

import asyncio
import os
import re
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any, TypeAlias, TypeVar, cast
from weakref import WeakValueDictionary

from attrs import evolve, frozen

from aiotofupilot._checks import integer, must_be
from aiotofupilot._http.client import Connection
from aiotofupilot._http.outage import is_transient
from aiotofupilot._http.retry import RetryPolicy
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

T = TypeVar("T")

Attachments: TypeAlias = (
    Iterable[Attachment | RunDetails | UnitDetails] | AsyncIterable[Attachment | RunDetails | UnitDetails]
)

_REFUSALS = frozenset({400, 401, 403, 404, 410})
"""With one of these statuses, storages refuse an address that has expired."""

_PROGRESS = 1024 * 1024
"""After so many new bytes, a file has as many attempts again as at first, and may need a new address again."""

_BUSY_WAIT = 1.0
"""Seconds between two looks at a file that another process is downloading."""

_busy: WeakValueDictionary[tuple[int, Path], asyncio.Lock] = WeakValueDictionary()
"""The locks of files that are being downloaded, by event loop and place."""


@frozen(kw_only=True)
class Download:
    """What has become of one attachment of many."""

    attachment: Attachment
    """The attachment."""
    path: Path | None
    """Its file, which is whole. None: it could not be downloaded."""
    is_new: bool
    """Whether the file was downloaded now. Otherwise it was there already, or could not be downloaded."""
    error: TofuPilotError | None
    """Why it could not be downloaded. None: it could."""


async def download(connection: Connection, attachment: object, folder: object) -> Path:
    """Download one attachment; see `TofuPilotSession.download`."""
    file = _File(connection, _checked(attachment), _folder(folder))
    await file.complete()
    return file.path


def downloads(connection: Connection, attachments: object, folder: object, *, concurrency: object) -> "Downloads":
    """Download many attachments at once; see `TofuPilotSession.downloads`."""
    if not isinstance(attachments, AsyncIterable | Iterable):
        raise must_be(TypeError, "attachments", "an iterable or an asynchronous iterable", attachments)
    place = _folder(folder)

    async def one(attachment: Attachment) -> Download:
        file = _File(connection, attachment, place)
        try:
            is_new = await file.complete()
        except SessionError:
            raise
        except TofuPilotError as error:
            return Download(attachment=attachment, path=None, is_new=False, error=error)
        return Download(attachment=attachment, path=file.path, is_new=is_new, error=None)

    return Downloads(one, cast("Any", attachments), integer("concurrency", concurrency, low=1))


class _File:
    def __init__(self, connection: Connection, attachment: Attachment, folder: Path) -> None:
        self.path: Path = folder / relative_path(attachment)
        self._connection = connection
        self._attachment = attachment
        self._name = f"attachment {attachment.id!r}"

    async def complete(self) -> bool:
        """Put the file in its place, and return whether it was not there."""
        with download_span():
            return await self._connection.lifetime.run(self._complete)

    async def _complete(self) -> bool:
        key = id(asyncio.get_running_loop()), self.path.absolute()
        async with _busy.setdefault(key, asyncio.Lock()):
            if self._attachment.owner is not None:
                self.path = await in_thread(partial(_in_own_folder, self.path))
            part = PartFile(self.path)
            try:
                while (state := await in_thread(part.open)) == "busy":
                    await self._connection.clock.sleep(_BUSY_WAIT)
                if state == "whole":
                    return False
                await self._receive(part)
                await in_thread(part.finish)
            finally:
                part.leave()
        return True

    async def _receive(self, part: PartFile) -> None:
        """Receive the whole file, with a new address if it expires, and with new attempts after progress."""
        retry = self._connection.retry
        is_patient = isinstance(retry, RetryPolicy) and retry.attempts > 1
        most, is_fresh, needs_address = part.size, False, self._attachment.download_url is None
        while True:
            if needs_address:
                await self._renew()
                is_fresh = True
            try:
                address, size = Secret(self._attachment.download_url), self._attachment.size
                return await receive(self._connection, address, part, self._name, size)
            except TofuPilotError as error:
                has_progress, most = part.size >= most + _PROGRESS, max(most, part.size)
                needs_address = isinstance(error, APIError) and error.status in _REFUSALS
                is_fresh = is_fresh and not has_progress
                if needs_address and (is_fresh or self._attachment.owner is None):
                    error.hint = "if the address has expired, read the run or unit again" if not is_fresh else None
                    raise
                if not needs_address and not (is_patient and has_progress and is_transient(error)):
                    raise

    async def _renew(self) -> None:
        """Read the run or the unit for a new address of the attachment."""
        listing, key = self._attachment.owner or ("", "")
        whose = f"{listing.removesuffix('s')} {key!r}"
        source: Any = listing_class(listing)(self._connection)
        owner: RunDetails | UnitDetails = await source.get(key)
        found = next((one for one in owner.attachments if one.id == self._attachment.id), None)
        if found is None:
            raise AttachmentError(f"{whose} has no {self._name} any more")
        if found.download_url is None:
            failure = AttachmentError(f"the server has no address for {self._name} of {whose}")
            failure.hint = "perhaps its upload has not ended"
            raise failure
        self._attachment = evolve(self._attachment, download_url=found.download_url, size=found.size)


class Downloads(Iteration[Download]):
    """Downloads many attachments at once, and yields what has become of each as they end.

    After an error or a cancellation no file is in flight, and the next call goes on with what is missing. If the
    iterable raises an error, what it yielded before is finished first.
    """

    def __init__(
        self, one: Callable[[Attachment], Coroutine[Any, Any, Download]], attachments: Attachments, concurrency: int
    ) -> None:
        self._one = one
        self._source = _Source(attachments)
        self._concurrency = concurrency
        self._due: deque[Attachment] = deque()
        """What was read, and is not being downloaded."""
        self._tasks: Tasks[Attachment, Download] = Tasks()
        """What is being downloaded, or was, and is not at hand yet; and beside it what reads the next attachment."""
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
            self._stop(spares_reading=not self._source.can_be_cancelled)
            raise
        finally:
            ended = None  # its error knows this frame
        await self._close()
        return False

    async def _close(self) -> None:
        self._drop()
        self._stop(spares_reading=False)
        await self._tasks.settle()
        await self._source.aclose()

    def _fill(self) -> None:
        """Download what may be in flight, and read on if nothing waits."""
        tasks = self._tasks
        while True:
            if tasks.beside is not None and tasks.beside.done():
                self._take_up(tasks.beside)
            while self._due and len(tasks) < self._concurrency:
                attachment = self._due.popleft()
                tasks.start(self._one(attachment), attachment)
            if self._due or tasks.beside is not None or self._has_read_all or self._failure is not None:
                return
            tasks.start_beside(self._source.next())

    def _take_up(self, reading: asyncio.Task[object]) -> None:
        """Take up what was read."""
        self._tasks.beside = None
        try:
            item = reading.result()
            if item is _END:
                self._has_read_all = True
            elif isinstance(item, RunDetails | UnitDetails):
                self._due += item.attachments
            else:
                self._due.append(_checked(item))
        except BaseException as error:  # noqa: BLE001 - it is raised after what the iterable yielded before
            self._failure = error
        finally:
            del reading  # which knows its error, which knows this frame

    def _result(self, task: asyncio.Task[Download]) -> Download:
        """Return what has become of an attachment. After an error, it is downloaded again."""
        attachment = self._tasks.take(task)
        try:
            return task.result()
        except BaseException:
            self._due.appendleft(attachment)
            raise
        finally:
            del task  # which knows its error, which knows this frame

    def _stop(self, *, spares_reading: bool) -> None:
        """Cancel what is in flight. It is downloaded again, and goes on where the file is."""
        self._due.extendleft(reversed(self._tasks.stop(spares_beside=spares_reading)))


_END = object()


class _Source:
    """Reads an iterable of either kind. An iterator that is begun here is closed here."""

    def __init__(self, items: Attachments) -> None:
        self._items = items
        self._iterator: AsyncIterator[object] | Iterator[object] | None = None

    @property
    def can_be_cancelled(self) -> bool:
        """Whether it goes on after it was cancelled. A generator ends then, and what a thread reads is lost."""
        return isinstance(self._iterator, Iteration)

    async def next(self) -> object:
        """Return the next item; `_END`: there is none."""
        if isinstance(self._items, AsyncIterable):
            if self._iterator is None:
                self._iterator = aiter(self._items)
            return await anext(cast("AsyncIterator[object]", self._iterator), _END)
        if self._iterator is None:
            self._iterator = iter(self._items)
        return await _in_daemon(partial(next, cast("Iterator[object]", self._iterator), _END))

    async def aclose(self) -> None:
        """Close the iterator, unless it was given."""
        aclose = getattr(self._iterator, "aclose", None)
        if aclose is not None and self._iterator is not self._items:
            await aclose()


async def _in_daemon(work: Callable[[], T]) -> T:
    """Return the result of work that may block, such as for something that a blocking session is asked for.

    The session's loop, which runs this, makes the response. A program that ends does not wait for the work, as it would
    with the thread of an executor: its session may have to be closed first, and that happens later.
    """
    result: Future[T] = Future()
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
"""File systems take 255 bytes, and a part has some more than the file."""
_SUFFIX_BYTES = 20

_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)", re.IGNORECASE)
"""What Windows takes for a device, whatever follows after a dot."""


def relative_path(attachment: Attachment) -> str:
    """Return where the file of an attachment lies in a folder: ``<id of the owner>/<id>-<name>``, or without owner."""
    identity = _identity(attachment.id)
    name = _name(attachment.name, _NAME_BYTES - len(f"{identity}-".encode()))
    file = f"{identity}-{name}" if name else identity
    return file if attachment.owner is None else f"{_identity(attachment.owner[1])}/{file}"


def _in_own_folder(path: Path) -> Path:
    """Make the folder of a run or unit, and return the path of a file in it.

    On a disk where case does not matter, the folder of SN1 would also be that of sn1. So the one that is made second
    has another name there. On other disks, and for names without letters, nothing is listed.
    """
    folder = path.parent
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        other = folder.with_name(folder.name.swapcase())
        is_case_ignored = other.name != folder.name and other.exists() and other.samefile(folder)
        if is_case_ignored and all(one.name != folder.name for one in folder.parent.iterdir()):
            folder = folder.with_name(_with_digest(folder.name, folder.name))
    return folder / path.name


def _identity(text: str) -> str:
    """Return an ID as a name. Two IDs never have the same name.

    What a name cannot hold is written as in a URL, and so is the percent sign. An ID that is too long ends with a
    digest.
    """
    name = "".join(character if _is_good(character) and character != "%" else _escaped(character) for character in text)
    if name[:1] in {".", " "} or _DEVICE.match(name):
        name = _escaped(name[0]) + name[1:]
    if name[-1:] in {".", " "}:
        name = name[:-1] + _escaped(name[-1])
    if len(name.encode()) > _ID_BYTES:
        name = _with_digest(name, text)
    return name or "%~"


def _with_digest(name: str, text: str) -> str:
    """Return the beginning of a name, with a digest of the text that it stands for. The mark is not an escape."""
    return f"{_cut(name, _ID_BYTES - 34)}%~{sha256(text.encode(errors='surrogatepass')).hexdigest()[:32]}"


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode(errors="surrogatepass"))


def _name(text: str, length: int) -> str:
    """Return the name of an attachment as the end of the name of a file, with at most so many bytes."""
    name = "".join(character if _is_good(character) else "_" for character in text).strip(". ")
    if len(name.encode()) > length:
        stem, dot, suffix = name.rpartition(".")
        if not (stem and len(suffix.encode()) <= _SUFFIX_BYTES):
            stem, dot, suffix = name, "", ""
        name = f"{_cut(stem, length - len(f'{dot}{suffix}'.encode()))}{dot}{suffix}".rstrip(". ")
    return name


def _is_good(character: str) -> bool:
    """Return whether the name of a file may hold a character. Control characters and marks are not printable."""
    return character not in _FORBIDDEN and character.isprintable()


def _cut(text: str, length: int) -> str:
    """Return the beginning of a text, with at most so many bytes."""
    return text.encode()[:length].decode(errors="ignore")
