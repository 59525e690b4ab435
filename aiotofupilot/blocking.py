"""The same session and listings without asyncio: for scripts, Django, Streamlit, and notebooks whose loop is in use.

    with BlockingSession() as session:
        for run in session.runs.list(outcomes=["FAIL"]):
            print(run.unit.serial_number)

Calls block instead of being awaited, and ``for`` replaces ``async for``. Names, arguments, checkpoints and errors are
as in `aiotofupilot`. ``aclose()`` is ``close()``, and the page that ``await listing`` returns is
``next(listing.pages())``.

- An event loop in a separate thread makes the requests. The thread begins with the first request, and ends when the
  session is closed. A session that was not closed gives a `ResourceWarning`, and is closed when nothing refers to it,
  or when the interpreter exits.
- Ctrl-C cancels the requests in flight, and waits until they have ended. The next call returns the items that you did
  not get, and no checkpoint or watermark skips them. On Windows, Ctrl-C is noticed when the wait is over.
- Any number of threads can use a session at the same time. Give each thread its own walk.
- A walk that is left by ``break`` or an error is closed as soon as nothing refers to it. ``with`` closes it at once.
- A forked process does not have the thread. It cannot use the session, and has to make its own.
- Callbacks, such as those of a limiter, run in the thread. They cannot use the session that calls them.
- A listing has ``__arrow_c_stream__``, so that ``polars.DataFrame(listing)`` and ``pyarrow.table(listing)`` read it.
  Ctrl-C may have to wait until such a library has finished.

No method is written twice: it is looked up in the asyncio object, and called in the thread if it is a coroutine
function. The rest of this module gives types and documentation to type checkers and ``help()``.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Concatenate, Generic, NoReturn, ParamSpec, Protocol, TypeVar, overload
from warnings import warn

from . import (
    ConfigurationError,
    Details,
    DetailsWalk,
    FollowedListing,
    IncrementalDetailsWalk,
    IncrementalWalk,
    Paginator,
    SessionError,
    TofuPilotSession,
    Walk,
)
from ._blocking import LoopThread
from ._checks import Secret, for_parameter, integer
from ._paging.iteration import ItemIteration, Iteration, listed
from .listings import Listing
from .models.display import showing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from typing import Self

    from cattrs import Converter

    from . import Checkpoint, WalkStats, Watermark, listings

__all__ = [
    "Blocking",
    "BlockingDetails",
    "BlockingFollowedListing",
    "BlockingIncrementalWalk",
    "BlockingIterator",
    "BlockingListing",
    "BlockingPaginator",
    "BlockingSession",
    "BlockingWalk",
]

P = ParamSpec("P")
A = TypeVar("A")
R = TypeVar("R")
T = TypeVar("T")
A_co = TypeVar("A_co", covariant=True)
R_co = TypeVar("R_co", covariant=True)


class Blocking(Generic[A_co]):
    """The blocking form of an asyncio object, with its attributes and methods."""

    __slots__ = ("__weakref__", "_object", "_owner", "_thread")

    def _take(self, of: Any, thread: LoopThread, owner: Blocking[object] | None) -> Self:  # noqa: ANN401 - an object of any class
        """Become the blocking form of an object.

        The owner is the form that this one is derived from, or None for a session. It is kept alive here, because a
        form is closed when nothing refers to it.
        """
        self._object, self._thread, self._owner = of, thread, owner
        return self

    def __repr__(self) -> str:
        if not hasattr(self, "_object"):  # in the traceback of a session that could not be made
            return f"<{type(self).__name__}>"
        return f"<blocking {repr(self._object)[1:]}"

    def __dir__(self) -> list[str]:
        names = (name for name in dir(self._object) if name[0] != "_")
        return sorted({*object.__dir__(self), *("close" if name == "aclose" else name for name in names)})

    def __getstate__(self) -> NoReturn:
        raise TypeError(f"{self!r} cannot be copied or pickled: it has a thread")

    def _found(self, name: str) -> object:
        """Return the blocking form of a public attribute of the object."""
        if name[0] == "_":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
        value = getattr(self._object, "aclose" if name == "close" else name)
        return self._bridged(value) if inspect.isroutine(value) else self._form(value)

    if not TYPE_CHECKING:
        __getattr__ = _found

    def _bridged(self, method: Callable[..., Any]) -> Callable[..., object]:
        waits = inspect.iscoroutinefunction(method)

        @wraps(method)
        def call(*args: object, **kwargs: object) -> object:
            return self._form(self._thread.run(partial(method, *args, **kwargs)) if waits else method(*args, **kwargs))

        vars(call).pop("__signature__", None)  # it lists ``self``, unlike the bound method's
        return call

    def _form(self, value: object) -> Any:  # noqa: ANN401 - of any type
        """Return the blocking form of a value, or the value itself if nothing in it waits."""
        for kind, form in _FORMS.items():
            if isinstance(value, kind):
                # The constructor is not called, because a session's would make another asyncio session.
                return form.__new__(form)._take(value, self._thread, self)  # noqa: SLF001 - it is a form too
        return value


class BlockingIterator(Blocking[Iteration[R]], Iterator[R]):
    """Yields what an asynchronous iterator yields. Enter it with ``with``, which closes it, or call ``close()``."""

    __slots__ = ()

    def _take(self, of: Any, thread: LoopThread, owner: Blocking[object] | None) -> Self:  # noqa: ANN401 - an object of any class
        of._called = type(self).__name__  # noqa: SLF001 - its form
        return super()._take(of, thread, owner)

    def __next__(self) -> R:
        # Ctrl-C must not lose an item. Python notices it at calls and at jumps backwards. There is neither between
        # taking and returning the item, because both are on one line.
        while True:
            items: Iterator[R] = self._object._items  # noqa: SLF001 - its form
            # fmt: off
            for item in items: return item  # noqa: E701 - one line, for the reason above
            # fmt: on
            if not self._load():
                raise StopIteration

    def _load(self, at_most: int = 1) -> bool:
        """Wait for the next items, and return whether there are any."""
        has_more: bool = self._thread.run(partial(self._object._load, at_most))  # noqa: SLF001 - its form
        return has_more

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the iteration, and wait until nothing is in flight.

        Asking for another item then raises a `SessionError`, unless all had been yielded.
        """
        self._thread.run(self._object.aclose)

    def __del__(self) -> None:
        if hasattr(self, "_thread"):  # otherwise it was interrupted while it was made
            self._thread.soon(self._object.aclose)


if TYPE_CHECKING:
    Called = Callable[[Callable[[], None]], Callable[Concatenate[Any, P], R]]
    """A function that makes the method of a name."""

    @overload
    def bridged(of: Callable[Concatenate[A, P], Coroutine[Any, Any, R]]) -> Called[P, R]: ...
    @overload
    def bridged(of: Callable[Concatenate[A, P], Walk[T] | DetailsWalk[T]]) -> Called[P, BlockingWalk[T]]: ...
    @overload
    def bridged(
        of: Callable[Concatenate[A, P], IncrementalWalk[T] | IncrementalDetailsWalk[T]],
    ) -> Called[P, BlockingIncrementalWalk[T]]: ...
    @overload
    def bridged(of: Callable[Concatenate[A, P], FollowedListing[T]]) -> Called[P, BlockingFollowedListing[T]]: ...
    @overload
    def bridged(of: Callable[Concatenate[A, P], AsyncIterator[R]]) -> Called[P, BlockingIterator[R]]: ...
    @overload
    def bridged(of: Callable[Concatenate[A, P], Paginator[T]]) -> Called[P, BlockingPaginator[T]]: ...
    @overload
    def bridged(of: Callable[Concatenate[A, P], TofuPilotSession]) -> Called[P, BlockingSession]: ...
    def bridged(of: object) -> object:
        """Declare the blocking form of a method, with its type and its documentation."""

    class _Lists(Protocol[P, T]):
        def list(self, *args: P.args, **kwargs: P.kwargs) -> Paginator[T]: ...

    class _HasDetails(Protocol[P, R]):
        def details(self, *args: P.args, **kwargs: P.kwargs) -> Details[R]: ...

    class _Gets(Protocol[P, R_co]):
        async def get(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...

    class _GetsVersion(Protocol[P, R_co]):
        async def get_version(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...

    class _GetsRevision(Protocol[P, R_co]):
        async def get_revision(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...

    class _GetsCurrent(Protocol[P, R_co]):
        async def current(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...

else:

    def bridged(of: Callable[..., object]) -> Callable[..., object]:
        def declare(_: object) -> Callable[..., object]:
            @wraps(of)
            def call(self: Blocking[object], *args: object, **kwargs: object) -> object:
                return self._found(of.__name__)(*args, **kwargs)

            return call

        return declare


class BlockingItems(BlockingIterator[R]):
    """Yields items that arrive page by page."""

    __slots__ = ()

    stats: WalkStats

    def take(self, at_most: int) -> list[R]:
        integer("at_most", at_most, low=1)
        while True:
            items: Iterator[R] = self._object._items  # noqa: SLF001 - its form
            # fmt: off
            for taken in listed(items, at_most): return taken  # noqa: E701 - as in `BlockingIterator`
            # fmt: on
            if not self._load(at_most):
                return []

    take.__doc__ = ItemIteration[R].take.__doc__

    def batches(self) -> Iterator[list[R]]:
        return iter(partial(self.take, sys.maxsize), [])

    batches.__doc__ = ItemIteration[R].batches.__doc__


class BlockingWalk(BlockingItems[R]):
    """A `Walk` or a `DetailsWalk` that blocks."""

    __slots__ = ()

    checkpoint: Checkpoint


class BlockingIncrementalWalk(BlockingItems[R]):
    """An `IncrementalWalk` or an `IncrementalDetailsWalk` that blocks."""

    __slots__ = ()

    watermark: Watermark


class BlockingFollowedListing(BlockingIterator[R]):
    """A `FollowedListing` that blocks. It begins when it is entered with ``with``, or else at its first item."""

    __slots__ = ()

    watermark: Watermark | None
    stats: WalkStats
    down_since: datetime | None

    def __enter__(self) -> Self:
        self._thread.run(self._object._begin)  # noqa: SLF001 - its form
        return self


class _Tabular(Blocking[A_co]):
    __slots__ = ()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the listing as an Arrow stream. Its pages are requested while it is read.

        Source: https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html
        """
        from .arrow.streaming import batches, stream_of  # noqa: PLC0415 - pyarrow is needed here only

        found = batches(self._object)
        return stream_of(found.schema, self._form(found), requested_schema)


class BlockingDetails(_Tabular[Details[R]]):
    """A `Details` that blocks: ``for`` iterates over the details of the items of a listing."""

    __slots__ = ()

    model: type[R]

    def __iter__(self) -> BlockingWalk[R]:
        return self.walk()

    @bridged(Details[R].walk)
    def walk() -> None: ...
    @bridged(Details[R].since)
    def since() -> None: ...
    @bridged(Details[R].collect)
    def collect() -> None: ...
    @bridged(Details[R].first)
    def first() -> None: ...


@showing
class BlockingPaginator(_Tabular[Paginator[T]]):
    """A `Paginator` that blocks: ``for`` iterates over the items of a listing."""

    __slots__ = ()

    model: type[T]

    if TYPE_CHECKING:

        @property
        def details(self: Blocking[_HasDetails[P, R]]) -> Callable[P, BlockingDetails[R]]: ...
        def into(self, model: type[R], *, converter: Converter | None = None) -> BlockingPaginator[R]: ...

    def _shown(self) -> tuple[str, Sequence[str], Iterable[Sequence[str]]]:
        listing: Paginator[Any] = self._object
        return listing._shown()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - the notebook shows the listing

    def __iter__(self) -> BlockingWalk[T]:
        return self.walk()

    @bridged(Paginator[T].raw)
    def raw() -> None: ...
    @bridged(Paginator[T].walk)
    def walk() -> None: ...
    @bridged(Paginator[T].pages)
    def pages() -> None: ...
    @bridged(Paginator[T].collect)
    def collect() -> None: ...
    @bridged(Paginator[T].first)
    def first() -> None: ...
    @bridged(Paginator[T].count)
    def count() -> None: ...
    @bridged(Paginator[T].shards)
    def shards() -> None: ...
    @bridged(Paginator[T].since)
    def since() -> None: ...
    @bridged(Paginator[T].follow)
    def follow() -> None: ...


class BlockingListing(Blocking[A_co]):
    """A listing that blocks, with the same methods."""

    __slots__ = ()

    if not TYPE_CHECKING:

        def __iter__(self) -> NoReturn:
            return iter(self._object)  # raises an error that says how to iterate

    if TYPE_CHECKING:

        @property
        def list(self: Blocking[_Lists[P, T]]) -> Callable[P, BlockingPaginator[T]]: ...
        @property
        def get(self: Blocking[_Gets[P, R]]) -> Callable[P, R]: ...
        @property
        def get_version(self: Blocking[_GetsVersion[P, R]]) -> Callable[P, R]: ...
        @property
        def get_revision(self: Blocking[_GetsRevision[P, R]]) -> Callable[P, R]: ...
        @property
        def current(self: Blocking[_GetsCurrent[P, R]]) -> Callable[P, R]: ...


def _like(constructor: Callable[Concatenate[A, P], None]) -> Callable[[Any], Callable[Concatenate[object, P], None]]:
    """Give a constructor the parameters of another one, and the documentation of a session's."""

    def like(own: Callable[..., None]) -> Callable[..., None]:
        own.__doc__ = "Args:" + (TofuPilotSession.__doc__ or "").partition("Args:")[2]
        return wraps(constructor, assigned=("__annotations__",))(own)

    return like


class BlockingSession(Blocking[TofuPilotSession]):
    """A session with TofuPilot for programs without asyncio. Use it as a context manager, or close it yourself.

    It has the options, listings and methods of a `TofuPilotSession`. ``http_session`` has to be left out, because an
    aiohttp session belongs to the event loop in which it was made.
    """

    __slots__ = ("_is_closed",)  # so that tracemalloc can tell where it was made, even before Python 3.12

    base_url: str
    procedures: BlockingListing[listings.Procedures]
    runs: BlockingListing[listings.Runs]
    units: BlockingListing[listings.Units]
    parts: BlockingListing[listings.Parts]
    batches: BlockingListing[listings.Batches]
    stations: BlockingListing[listings.Stations]
    users: BlockingListing[listings.Users]
    deployments: BlockingListing[listings.Deployments]
    logs: BlockingListing[listings.Logs]
    measurements: BlockingListing[listings.Measurements]
    phases: BlockingListing[listings.Phases]

    @_like(TofuPilotSession.__init__)
    def __init__(self, *args: object, **kwargs: object) -> None:
        given = Secret((args, kwargs))
        del args, kwargs  # so that no traceback with local variables shows the key
        if given.value[1].get("http_session") is not None:
            message = "http_session must be left out: it belongs to another event loop"
            raise for_parameter(ConfigurationError(message), "http_session")
        session = TofuPilotSession(*given.value[0], **given.value[1])
        self._take(session, LoopThread(session.close), None)
        self._is_closed = False

    @bridged(TofuPilotSession.with_options)
    def with_options() -> None: ...
    @bridged(TofuPilotSession.list)
    def list() -> None: ...
    @bridged(TofuPilotSession.whoami)
    def whoami() -> None: ...
    @bridged(TofuPilotSession.download)
    def download() -> None: ...

    def __enter__(self) -> Self:
        if self._thread.has_ended:
            raise SessionError("the session is closed")
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections and end the thread. Other threads that wait get a `SessionError` at once.

        Closing a view does nothing.
        """
        if self._owner is None:
            self._is_closed = True
            self._thread.end()

    def __del__(self, _warn: Callable[..., None] = warn) -> None:  # bound early, for the end of the interpreter
        if not hasattr(self, "_is_closed") or not self._thread.has_begun:
            return
        self._thread.end(waits=False)  # this can be the thread itself, and `close` may have been interrupted
        if not self._is_closed:
            _warn(f"a blocking session of {self._object.base_url} was not closed", ResourceWarning, source=self)


_FORMS: dict[type | tuple[type, ...], type[Blocking[object]]] = {
    TofuPilotSession: BlockingSession,
    Listing: BlockingListing,
    Paginator: BlockingPaginator,
    Details: BlockingDetails,
    (Walk, DetailsWalk): BlockingWalk,
    (IncrementalWalk, IncrementalDetailsWalk): BlockingIncrementalWalk,
    FollowedListing: BlockingFollowedListing,
    Iteration: BlockingIterator,
}
"""The blocking form of each asyncio class. Objects of other classes are values."""
