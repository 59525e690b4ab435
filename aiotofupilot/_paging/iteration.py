"""Base classes of walks, streams, pages and record batches, all of which can be closed."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import AsyncIterator, Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from operator import length_hint
from typing import TYPE_CHECKING, Generic, NoReturn, Self, TypeVar

from aiotofupilot._checks import integer
from aiotofupilot.errors import SessionError, TofuPilotError

if TYPE_CHECKING:
    from aiotofupilot.stats import WalkStats

R = TypeVar("R")
E = TypeVar("E")


class AsyncOnly:
    """Makes a ``for`` loop raise an error that says what to write instead. Type checkers refuse such a loop."""

    if not TYPE_CHECKING:

        def __iter__(self) -> NoReturn:
            name = type(self).__name__
            raise TypeError(
                f"a {name} is asynchronous: write 'async for item in ...', or '[item async for item in ...]' for a list"
            )


class Iteration(AsyncOnly, AsyncIterator[R]):
    """Yields items to one task at a time, and can be closed. After an error or a cancellation it can continue.

    Items that have arrived stay in `_items` until they are taken, and only then count as yielded. So a caller that is
    cancelled, or interrupted in another thread, loses nothing, and no position moves past an item that the caller did
    not get.
    """

    _items: Iterator[R] = iter(())
    """The items that have arrived, as the iterator of a list or a tuple. Another thread may iterate over it."""
    _offered = 0
    """How many items `_items` had at first."""
    _at_most = 1
    """The most items to offer at once, if items take much memory. It does not limit the items of a page."""
    _is_waiting = False
    """Whether a task is waiting for the next item."""
    _has_ended = False
    """Whether everything was yielded, and a caller has asked for more."""
    _is_closed = False
    """Whether the iteration was closed before everything was yielded."""
    _failure: BaseException | None = None
    """An error to raise once the items before it have been taken."""
    _called = ""
    """The name of the iteration's class in `blocking`. Empty if the program uses asyncio."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def __anext__(self) -> R:
        # Yielding an item that has arrived costs only the loop. Nothing is counted, because the iterator knows how many
        # items are left.
        while True:
            for item in self._items:
                return item
            if not await self._load():
                raise StopAsyncIteration

    async def aclose(self) -> None:
        """Stop the iteration, and wait until nothing is in flight.

        Asking for another item then raises a `SessionError`, unless all items had been yielded.

        Raises:
            RuntimeError: Another task is waiting for the next item.
        """
        self._check_idle()
        self._is_closed = self._is_closed or not (self._has_ended or self._has_yielded_all())
        await self._close()

    async def _load(self, at_most: int = 1) -> bool:
        """Wait for the next items, and return False at the end. ``at_most`` matters if items take much memory.

        It may also return True without items, such as after a page without new ones.
        """
        try:
            with self._waiting():
                if not self._has_ended and not length_hint(self._items):
                    self._at_most = at_most
                    self._has_ended = not await self._advance()
                return not self._has_ended
        except TofuPilotError as error:
            # The object that failed may keep the error, as the search for an unreadable item does. A traceback would
            # refer back to that object, and a dropped iteration could not be freed. The message says what failed.
            raise error.with_traceback(None)  # noqa: B904 - it is the same error

    @abstractmethod
    async def _advance(self) -> bool:
        """Do the work of `_load`, which calls this method if no items are left and the end has not come."""

    @abstractmethod
    async def _close(self) -> None:
        """Do the work of `aclose`."""

    def _raise_failure(self) -> None:
        """Raise the kept error, if there is one, and forget it."""
        failure, self._failure = self._failure, None
        try:
            if failure is not None:
                raise failure
        finally:
            del failure  # its traceback refers to this frame

    def _offer(self, items: Sequence[R]) -> None:
        self._items, self._offered = iter(items), len(items)

    def _drop(self) -> None:
        """Discard the items that have arrived. They do not count as yielded."""
        self._offered, self._items = self._yielded, iter(())

    @property
    def _yielded(self) -> int:
        """How many of the items offered last were yielded."""
        return self._offered - length_hint(self._items)

    def _has_yielded_all(self) -> bool:
        """Return whether all wanted items were yielded, even if nobody has asked for more."""
        return False

    def _check_idle(self) -> None:
        if self._is_waiting:
            name, waiting = (self._called, "thread") if self._called else (type(self).__name__, "task")
            message = f"another {waiting} is waiting for the next item of this {name}: give each {waiting} its own"
            raise RuntimeError(message)

    def _check_open(self) -> None:
        if self._is_closed:
            name = self._called or type(self).__name__
            raise SessionError(f"this {name} was closed before its end: begin another one")

    @contextmanager
    def _waiting(self) -> Generator[None]:
        """Return a context in which no other task may wait for the next item."""
        self._check_idle()
        self._is_waiting = True
        try:
            self._check_open()
            yield
        except StopAsyncIteration as error:  # from the user's callback: it is not the end of the iteration
            failure = RuntimeError("StopAsyncIteration was raised during a request")
            self._note_failure(failure)
            raise failure from error
        except Exception as error:
            self._note_failure(error)
            raise
        finally:
            self._is_waiting = False

    def _note_failure(self, error: Exception) -> None:
        """Add to an error where the iteration can be resumed."""


class CountedIteration(Iteration[R]):
    """Counts what it yields, and the requests for it."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.stats.items} items, {self.stats.requests} requests so far>"

    @property
    @abstractmethod
    def stats(self) -> WalkStats:
        """The counts up to now."""


class ItemIteration(CountedIteration[R]):
    """Yields items that arrive page by page."""

    _wanted: int

    def batches(self) -> AsyncIterator[list[R]]:
        """Yield the items in lists: first the items that have already arrived, then the new items of each page.

        Store each list together with the walk's ``checkpoint`` or ``watermark`` at that time. Then each item is stored
        exactly once.
        """
        return Batches(self)

    async def take(self, at_most: int) -> list[R]:
        """Return the items that have already arrived, or else the items of the next page.

        An empty list means the end of the walk. The ``checkpoint`` or ``watermark`` is then after the returned items.

        Args:
            at_most: The most items to return, 1 or more.
        """
        integer("at_most", at_most, low=1)
        while True:
            for taken in listed(self._items, at_most):
                return taken
            if not await self._load(at_most):
                return []

    def _has_yielded_all(self) -> bool:
        return self._wanted == 0 and self._yielded == self._offered


class MarkedIteration(ItemIteration[R], Generic[R, E]):
    """Notes which items were yielded once somebody asks for the position, because taking an item runs no code.

    An item may be noted again after an interrupt in another thread. That does no harm.
    """

    _stats: WalkStats
    _origins: Sequence[E] = ()
    _noted = 0
    """How many of the items offered last were noted as yielded."""

    def _offer_from(self, items: Sequence[R], origins: Sequence[E]) -> None:
        """Offer the next items, after noting which of the previous ones were yielded."""
        self._note_yielded()
        self._offer(items)
        self._origins, self._noted = origins, 0

    def _note_yielded(self) -> None:
        for at in range(self._noted, self._yielded):
            self._pass(self._origins[at])
            self._noted, self._stats.items = at + 1, self._stats.items + 1

    @abstractmethod
    def _pass(self, origin: E) -> None:
        """Note that the item of an origin was yielded."""


class Batches(AsyncOnly, AsyncIterator[list[R]]):
    """Yields the items of a walk in lists. After an error or a cancellation it can continue, as the walk can."""

    def __init__(self, walk: ItemIteration[R]) -> None:
        self._walk = walk

    async def __anext__(self) -> list[R]:
        if batch := await self._walk.take(sys.maxsize):
            return batch
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Close the walk."""
        await self._walk.aclose()


def listed(items: Iterator[R], at_most: int = sys.maxsize) -> Iterator[list[R]]:
    """Yield the next items as one list, or nothing if there are none.

    The items are taken in C, so Ctrl-C comes either before all of them or after all of them.
    """
    return filter(None, map(list, (islice(items, at_most),)))
