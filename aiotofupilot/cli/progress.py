"""The progress of a command on standard error: a bar on a terminal, or a line each minute in a log."""

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

from .messages import UnbufferedStream, complain, is_terminal, say

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from rich.console import RenderableType
    from rich.progress import Progress as Bars, TaskID

_EVERY = 60.0
"""Seconds between two lines in a log."""

_LIBRARY_LOG = logging.getLogger("aiotofupilot")


class Progress(logging.Handler):
    """Counts items, and collects the library's warnings, such as those of failed attempts.

    A ``with`` block shows the progress if standard error is a terminal. If the items go to a pipe, it stays hidden,
    because the pipe's reader may write to the terminal.

    ``name`` is the name of the items. ``count`` of ``total`` items have arrived. ``total`` is None if unknown.
    ``warning`` is the latest warning, or empty if items have arrived since.
    """

    def __init__(self, name: str | None = None, total: int | None = None, *, to_standard_output: bool = False) -> None:
        super().__init__()
        self.count: int = 0
        self.total: int | None = total
        self.warning: str = ""
        self._name = name or ""
        self._has_arrived = False
        self._lines: dict[str, str] = {}
        self._tasks: dict[str, TaskID] = {}
        # With FORCE_COLOR, which continuous integration often sets, rich would assume a terminal.
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
        """Remove the bar from the terminal while a block may write there."""
        if self._bars:
            self._bars.stop()
        yield
        if self._bars:
            self._bars.start()

    @asynccontextmanager
    async def reporting(self) -> AsyncGenerator[None]:
        """Add the latest warning to a cancellation. Standard error gets a line each minute if it is not a terminal."""
        writing = None if is_terminal(sys.stderr) else asyncio.create_task(self._write_lines())
        try:
            yield
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
        """Whether a bar is shown."""
        return self._bars is not None

    def advance(self, items: int) -> None:
        """Count items that have arrived together."""
        self.count += items
        self.note(self._name, self.count, self.total)

    def note(self, name: str, count: int, total: int | None = None, more: str = "") -> None:
        """Update the progress of one listing, perhaps with more text about it."""
        if count:
            self.warning = ""
            self._has_arrived = True
        self._lines[name] = f"{count:,} {name}{more}" if total is None else f"{count:,} of {total:,} {name}{more}"
        if self._bars:
            if name not in self._tasks:
                self._tasks[name] = self._bars.add_task(name, total=None)
            self._bars.update(self._tasks[name], completed=count, total=total, description=self._lines[name])

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a warning. Without a bar, report the first failure at once, because the address may be mistyped."""
        is_first = not (self.warning or self._has_arrived)
        self.warning = record.getMessage()
        if is_first and not self.is_shown and is_terminal(sys.stderr):
            complain(self.warning)

    def _on_terminal(self) -> Bars:
        """Return a bar for each listing, above the warning."""
        from rich import progress  # noqa: PLC0415 - it takes a tenth of a second
        from rich.console import Console  # noqa: PLC0415 - with it
        from rich.text import Text  # noqa: PLC0415 - as above

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
            console=Console(file=cast("TextIO", UnbufferedStream(cast("TextIO", sys.stderr), OSError))),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
