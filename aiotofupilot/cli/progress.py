"""How far a command is, on standard error: a bar, by rich, for who watches, and a line each minute for a log."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import stat
import sys
import time
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self, TextIO, cast

from attrs import define, field

from aiotofupilot.errors import visible

from .messages import DeadlineError, Whole, complain, is_terminal, say

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from rich.live import Live

_PAGES = 3
"""A listing is long once so many pages have come. A shorter one is over before it would be counted."""

_EVERY = 60.0
"""Seconds between two lines where no terminal shows a bar, such as in the log of cron."""

_LIBRARY_LOG = logging.getLogger("aiotofupilot")


@define
class _Row:
    """How far one listing is.

    ``count`` items are there, of which ``begun`` were there at the start. ``total`` is how many there will be, those
    included; None: nobody knows. ``more`` is what else there is to say of them.
    """

    name: str
    total: int | None = None
    begun: int = 0
    count: int = 0
    more: str = ""
    _start: float = field(factory=time.monotonic, init=False)

    def __str__(self) -> str:
        rate = (self.count - self.begun) / max(time.monotonic() - self._start, 1e-3)
        fast = f", {rate:,.0f}/s" if rate else ""
        # A listing may have grown since it was counted.
        if self.total is None or self.count > self.total:
            return f"{self.count:,} {self.name}{self.more}{fast}"
        share = self.count / self.total if self.total else 1.0
        if rate:
            seconds = min((self.total - self.count) / rate, 1e9)  # a timedelta does not hold every number
            fast += f", {timedelta(seconds=math.ceil(seconds))} left"
        return f"{self.count:,} of {self.total:,} {self.name} ({share:.0%}){fast}"


class Progress(logging.Handler):
    """Counts items, and takes the library's warnings, such as that an attempt failed.

    It is shown during a ``with`` block, if standard error is a terminal where nobody else is expected to write. If the
    items go to standard output, and that is a pipe, its reader may write to the terminal.

    ``name`` says what the items are called, and ``total`` how many will arrive. ``row`` is how far they are, and
    ``warning`` the latest warning, until more arrives; empty: there is none. ``is_long`` is set when it is worth while
    to count the items.
    """

    def __init__(self, name: str | None = None, total: int | None = None, *, to_standard_output: bool = False) -> None:
        super().__init__()
        self.warning: str = ""
        self.row: _Row = _Row(name or "", total)
        self.is_long: asyncio.Event = asyncio.Event()
        self._arrivals = 0
        self._rows = {} if name is None else {name: self.row}
        # rich would take FORCE_COLOR, which continuous integration likes to set, for a terminal.
        is_seen = is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb"
        if is_seen and to_standard_output and sys.stdout is not None:
            is_seen = not stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode)
        self._live = self._bars() if is_seen else None

    def __enter__(self) -> Self:
        _LIBRARY_LOG.addHandler(self)
        if self._live:
            self._live.start(refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()
        _LIBRARY_LOG.removeHandler(self)

    @contextmanager
    def aside(self) -> Generator[None]:
        """Take the bar off the terminal while a block may write there."""
        if self._live:
            self._live.stop()
        yield
        if self._live:
            self._live.start(refresh=True)

    @asynccontextmanager
    async def until(self, deadline: float | None) -> AsyncGenerator[None]:
        """End a block after some seconds, with a DeadlineError; None: it takes as long as it takes.

        That and the cancellation by a signal have the latest warning, if there is one. If standard error is not a
        terminal, it gets a line each minute of the block, and after these one when it ends well.
        """
        time_limit = asyncio.timeout(deadline)
        try:
            async with time_limit, self._lines():
                yield
        except TimeoutError as error:
            if deadline is None or not time_limit.expired():  # it is one of the disk, say
                raise
            raise DeadlineError(deadline, self.warning) from error
        except asyncio.CancelledError as error:
            raise asyncio.CancelledError(self.warning) from error

    @asynccontextmanager
    async def _lines(self) -> AsyncGenerator[None]:
        """Write lines during a block, unless standard error is a terminal, and one after it if there were any."""
        lines = 0

        def write_line() -> None:
            nonlocal lines
            parts = filter(None, (*map(str, self._rows.values()), self.warning))
            say(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ} {'; '.join(parts) or 'nothing has come yet'}")
            lines += 1

        async def write_each_minute() -> None:
            while not is_terminal(sys.stderr):
                await asyncio.sleep(_EVERY)
                write_line()

        writing = asyncio.create_task(write_each_minute())
        try:
            yield
        finally:
            writing.cancel()
            await asyncio.wait((writing,))
        if lines:
            write_line()

    @property
    def is_shown(self) -> bool:
        """Whether somebody watches."""
        return self._live is not None

    def advance(self, items: int) -> None:
        """Count items that have arrived together."""
        self.row.count += items
        self._arrivals += 1
        if self._arrivals == _PAGES:
            self.is_long.set()
        self.warning = ""

    def note(self, name: str, count: int, total: int | None = None, more: str = "") -> None:
        """Note how far one of several listings is, and perhaps what else there is to say of it."""
        row = self._rows.setdefault(name, _Row(name, total))
        if count:
            self.warning = ""
        row.count, row.more = count, more

    def emit(self, record: logging.LogRecord) -> None:
        """Take a warning. Without a bar, a first failure is told at once: it may be a mistyped address."""
        is_first = not self.warning and not any(row.count for row in self._rows.values())
        self.warning = record.getMessage()
        if is_first and not self.is_shown and is_terminal(sys.stderr):
            complain(self.warning)

    def _bars(self) -> Live:
        """Return a bar for each listing, and below them the warning, whole.

        They leave space at the end of each line for the ^C that a terminal shows there, however wide it is by now.
        """
        from rich.console import Console, Group  # noqa: PLC0415 - a tenth of a second that nobody pays for in a pipe
        from rich.constrain import Constrain  # noqa: PLC0415 - with the console
        from rich.live import Live  # noqa: PLC0415
        from rich.progress_bar import ProgressBar  # noqa: PLC0415
        from rich.table import Column, Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        console = Console(file=cast("TextIO", Whole(cast("TextIO", sys.stderr), OSError)))

        def lines() -> Constrain:
            line = Table.grid("", Column(no_wrap=True, ratio=1), padding=(0, 1), expand=True)
            for row in self._rows.values():
                line.add_row(ProgressBar(row.total, row.count, width=12), Text(str(row)))
            warning = [Text(visible(self.warning), style="yellow", overflow="fold")] if self.warning else []
            return Constrain(Group(line, *warning), max(1, console.width - len("^C")))

        return Live(get_renderable=lines, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
