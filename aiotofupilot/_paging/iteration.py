"""What walks and streams have in common: one task at a time asks for items, and ``async with`` closes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, ClassVar, TypeVar

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["Iteration"]

T = TypeVar("T")


class Iteration(AsyncIterator[T]):
    """Yields items to one task at a time, and can be closed."""

    _kind: ClassVar[str] = "walk"
    """What it is called in an error."""
    _is_asking = False
    """Whether a task is waiting for the next item."""

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
            raise RuntimeError(
                f"another task is waiting for the {self._kind}'s next item: give each task a {self._kind} of its own"
            )
