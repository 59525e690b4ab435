"""How far a command is, on standard error: a bar, by rich, for who watches, and a line each minute for a log."""

from __future__ import annotations

import asyncio
import logging
import os
import stat
import sys
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self, TextIO, cast

from aiotofupilot.errors import visible

from .messages import DeadlineError, Whole, complain, is_terminal, say

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from rich.console import RenderableType
    from rich.progress import Progress as Bars, TaskID

_PAGES = 3
"""A listing is long once so many pages have come. A shorter one is over before it would be counted."""

_EVERY = 60.0
"""Seconds between two lines where no terminal shows a bar, such as in the log of cron."""

_LIBRARY_LOG = logging.getLogger("aiotofupilot")


class Progress(logging.Handler):
    """Counts items, and takes the library's warnings, such as that an attempt failed.

    It is shown during a ``with`` block, if standard error is a terminal where nobody else is expected to write. If the
    items go to standard output, and that is a pipe, its reader may write to the terminal.

    ``name`` says what the items are called. ``count`` items have arrived, of ``total``; None: nobody knows how many
    there will be. ``warning`` is the latest warning, until more arrives; empty: there is none. ``is_long`` is set when
    it is worth while to count the items.
    """

    def __init__(self, name: str | None = None, total: int | None = None, *, to_standard_output: bool = False) -> None:
        super().__init__()
        self.count: int = 0
        self.total: int | None = total
        self.warning: str = ""
        self.is_long: asyncio.Event = asyncio.Event()
        self._name = name or ""
        self._arrivals = 0
        self._lines: dict[str, str] = {}
        self._tasks: dict[str, TaskID] = {}
        # rich would take FORCE_COLOR, which continuous integration likes to set, for a terminal.
        is_seen = is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb"
        if is_seen and to_standard_output and sys.stdout is not None:
            is_seen = not stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode)
        self._bars = self._on_terminal() if is_seen else None
        if name is not None:
            self.note(name, 0, total)

    def __enter__(self) -> Self:
        _LIBRARY_LOG.addHandler(self)
        if self._bars:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars:
            self._bars.stop()
        _LIBRARY_LOG.removeHandler(self)

    @contextmanager
    def aside(self) -> Generator[None]:
        """Take the bar off the terminal while a block may write there."""
        if self._bars:
            self._bars.stop()
        yield
        if self._bars:
            self._bars.start()

    @asynccontextmanager
    async def until(self, deadline: float | None) -> AsyncGenerator[None]:
        """End a block after some seconds, with a DeadlineError; None: it takes as long as it takes.

        That and the cancellation by a signal have the latest warning, if there is one. If standard error is not a
        terminal, it gets a line each minute of the block.
        """
        writing = None if is_terminal(sys.stderr) else asyncio.create_task(self._write_lines())
        time_limit = asyncio.timeout(deadline)
        try:
            async with time_limit:
                yield
        except TimeoutError as error:
            if deadline is None or not time_limit.expired():  # it is one of the disk, say
                raise
            raise DeadlineError(deadline, self.warning) from error
        except asyncio.CancelledError as error:
            raise asyncio.CancelledError(self.warning) from error
        finally:
            if writing:
                writing.cancel()

    async def _write_lines(self) -> None:
        while True:
            await asyncio.sleep(_EVERY)
            said = "; ".join(filter(None, (*self._lines.values(), self.warning)))
            say(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ} {said or 'nothing received yet'}")

    @property
    def is_shown(self) -> bool:
        """Whether somebody watches."""
        return self._bars is not None

    def advance(self, items: int) -> None:
        """Count items that have arrived together."""
        self.count += items
        self.note(self._name, self.count, self.total)

    def note(self, name: str, count: int, total: int | None = None, more: str = "") -> None:
        """Note how far one of several listings is, and perhaps what else there is to say of it."""
        if count:
            self.warning = ""
            self._arrivals += 1
        if self._arrivals == _PAGES:
            self.is_long.set()
        self._lines[name] = f"{count:,} {name}{more}" if total is None else f"{count:,} of {total:,} {name}{more}"
        if self._bars:
            if name not in self._tasks:
                self._tasks[name] = self._bars.add_task(name, total=None)
            self._bars.update(self._tasks[name], completed=count, total=total, description=self._lines[name])

    def emit(self, record: logging.LogRecord) -> None:
        """Take a warning. Without a bar, a first failure is told at once: it may be a mistyped address."""
        is_first = not (self.warning or self._arrivals)
        self.warning = record.getMessage()
        if is_first and not self.is_shown and is_terminal(sys.stderr):
            complain(self.warning)

    def _on_terminal(self) -> Bars:
        """Return a bar for each listing, with the warning below them, whole."""
        from rich import progress  # noqa: PLC0415 - a tenth of a second that nobody pays for in a pipe
        from rich.console import Console  # noqa: PLC0415 - with it
        from rich.text import Text  # noqa: PLC0415 - likewise

        handler = self

        class Bars(progress.Progress):
            def get_renderables(self) -> Generator[RenderableType]:
                yield self.make_tasks_table(self.tasks)
                if handler.warning:
                    yield Text(visible(handler.warning), style="yellow", overflow="fold")

        return Bars(
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(bar_width=12),
            progress.TaskProgressColumn(show_speed=True),
            progress.TimeRemainingColumn(),
            console=Console(file=cast("TextIO", Whole(cast("TextIO", sys.stderr), OSError))),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
