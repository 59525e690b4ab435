"""What walks, streams and record batches share: one task at a time asks for the next, and ``async with`` closes.

A listing shares with them that it can be iterated over with ``async for`` only.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, ClassVar, NoReturn, TypeVar

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["AsyncOnly", "Iteration"]

T = TypeVar("T")


class AsyncOnly:
    """Says what to write instead of ``for``. Type checkers do not see this, so they refuse ``for`` as before."""

    if not TYPE_CHECKING:

        def __iter__(self) -> NoReturn:
            name = type(self).__name__
            raise TypeError(
                f"a {name} is asynchronous: write 'async for item in ...', or '[item async for item in ...]' for a list"
            )


class Iteration(AsyncOnly, AsyncIterator[T]):
    """Yields something to one task at a time, and can be closed."""

    _in_use: ClassVar[str] = "another task is waiting for the walk's next item: give each task a walk of its own"
    """The error for a second task."""
    _is_asking = False
    """Whether a task is waiting for what comes next."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    @abstractmethod
    async def aclose(self) -> None:
        """End it where it stands, and wait until nothing of it is in flight. It yields nothing any more."""

    def _check_idle(self) -> None:
        if self._is_asking:
            raise RuntimeError(self._in_use)
