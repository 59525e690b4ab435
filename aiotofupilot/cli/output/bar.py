"""A progress bar with count, percentage, rate and the time that is left, by rich."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, TextIO, cast

from attrs import frozen
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.constrain import Constrain
from rich.progress import BarColumn, Progress as RichProgress, ProgressColumn, Task
from rich.table import Column
from rich.text import Text

from .progress import Progress
from .terminal import Courtesy, visible

if TYPE_CHECKING:
    import logging
    from collections.abc import Generator

__all__ = ["Bar"]

_LONGEST = 100 * 24 * 3600
"""Seconds that may be left. Nobody waits for longer, and a timedelta does not hold every number."""


class _Count(ProgressColumn):
    def __init__(self, name: str, table_column: Column) -> None:
        super().__init__(table_column)
        self._name = name

    def render(self, task: Task) -> Text:
        """Return the count, what part of all that is, the rate, and the time that is left."""
        count, rate = f"{task.completed:,.0f}", "" if task.speed is None else f", {task.speed:,.0f}/s"
        # A listing may have grown since it was counted.
        if task.total is None or task.completed > task.total:
            return Text(f"{count} {self._name}{rate}")
        seconds = task.time_remaining
        left = "" if seconds is None or seconds > _LONGEST else f", {timedelta(seconds=seconds)} left"
        return Text(f"{count} of {task.total:,.0f} {self._name} ({task.percentage:.0f}%){rate}{left}")


@frozen
class _WithRoom:
    """Something shown that leaves room at the end of each line for a ^C, however wide the terminal is by then."""

    shown: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Constrain(self.shown, max(1, options.max_width - len("^C")))


class _Lines(RichProgress):
    """The line of the bar, and below it a warning, in a terminal of any width, which may change at any moment."""

    warning = ""
    """Shown whole, in as many lines as it takes; empty: there is none."""

    def get_renderable(self) -> RenderableType:
        """Return the lines. Each of them leaves room for the ^C that a terminal shows behind it."""
        lines = super().get_renderable()
        if self.warning:
            lines = Group(lines, Text(self.warning, style="yellow", overflow="fold"))
        return _WithRoom(lines)


class Bar(Progress):
    """The bar, and below it the library's latest warning, until more arrives.

    Args:
        name: What the items are called.
        total: At most this many items will arrive; None: nobody knows, and the bar moves to and fro.
        begun: How many of them are there already.
    """

    def __init__(self, name: str, total: int | None, begun: int = 0) -> None:
        super().__init__()
        console = Console(file=cast("TextIO", Courtesy(sys.stderr)))  # rich uses no more of a file than that has
        self._rich = _Lines(
            BarColumn(bar_width=12),
            _Count(name, Column(no_wrap=True, ratio=1)),
            expand=True,
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._rich.add_task("", total=total, completed=begun)

    @contextmanager
    def shown(self) -> Generator[None]:
        """Show during a block, and leave nothing on the terminal."""
        with self._rich:
            yield

    @property
    def wants_total(self) -> bool:
        """Whether somebody watches who would like to know how many items there are."""
        return self._rich.tasks[0].total is None

    def expect(self, total: int) -> None:
        """Take note of how many items will arrive, those included that have."""
        self._rich.update(self._task, total=total)

    def advance(self, items: int) -> None:
        """Count items that have arrived."""
        super().advance(items)
        self._rich.warning = ""
        self._rich.update(self._task, advance=items)

    @contextmanager
    def aside(self) -> Generator[None]:
        """Take the bar off the terminal while a block may write there."""
        self._rich.stop()
        yield
        self._rich.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Show a warning below the bar. The first one stays above it if nothing has arrived."""
        self._rich.warning = "" if self._is_untold else visible(record.getMessage())
        super().emit(record)

    def _tell(self, line: str) -> None:
        self._rich.console.print(Text(line), soft_wrap=True)  # above the bar
