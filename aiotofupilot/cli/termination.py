"""SIGTERM, which ends a command as Ctrl-C does. Service managers, ``docker stop`` and ``timeout`` send it."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["Termination"]


class Termination:
    """What becomes of a command when SIGTERM comes.

    Attributes:
        has_come: Whether the signal has come.
    """

    def __init__(self) -> None:
        self.has_come = False

    async def ending(self, work: Coroutine[Any, Any, None]) -> None:
        """Do some work, which the signal cancels. Another signal ends the process, whatever it is doing.

        Raises:
            KeyboardInterrupt: The work was cancelled by the signal, and had nothing to say about it.
        """
        import asyncio  # noqa: PLC0415 - help and a wrong option need not wait for it

        loop, task = asyncio.get_running_loop(), cast("asyncio.Task[None]", asyncio.current_task())

        def cancel(*_: object) -> None:
            signal.signal(signal.SIGTERM, before)
            self.has_come = True
            loop.call_soon_threadsafe(task.cancel)

        before = signal.signal(signal.SIGTERM, cancel)
        try:
            await work
        except asyncio.CancelledError:
            if self.has_come:
                raise KeyboardInterrupt from None
            raise
        finally:
            signal.signal(signal.SIGTERM, before)
