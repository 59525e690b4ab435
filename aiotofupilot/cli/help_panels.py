"""A group of options in the help, where no name is broken and no description cut, however narrow the terminal is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cyclopts.help import ColumnSpec, HelpEntry, HelpPanel
    from rich.console import Console, ConsoleOptions, RenderableType

__all__ = ["panel"]

_AROUND = 6
"""Cells of a line that belong to no column: the borders, the spaces inside them, and the gap between two columns."""

_ENOUGH = 26
"""Cells from which on a description has a column of its own. The longest word is no longer."""


def panel(console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:
    """Print the options of a group, as cyclopts does but for the width of their names."""
    from cyclopts.help import DefaultFormatter  # noqa: PLC0415 - only the help needs it

    DefaultFormatter(column_specs=_columns)(console, options, panel)


def _columns(console: Console, options: ConsoleOptions, entries: Sequence[HelpEntry]) -> tuple[ColumnSpec, ...]:
    """Return the columns of names and descriptions, the former as wide as the longest name.

    Where there is no room for both, a description is below its names.
    """
    from cyclopts.help import NameRenderer  # noqa: PLC0415 - likewise
    from cyclopts.help.specs import get_default_parameter_columns  # noqa: PLC0415 - likewise

    names = [name for entry in entries for label in entry.display_labels_with_metavar for name in label.split()]
    longest = max(map(len, names))
    *before, name, description = get_default_parameter_columns(console, options, list(entries))
    if options.max_width - _AROUND - longest < _ENOUGH:
        return (*before, evolve(description, renderer=_stacked))
    widest = max(name.max_width or 0, longest + len("  "))  # the indent of what does not fit the first line
    name = evolve(name, renderer=NameRenderer(max_width=widest), min_width=longest, max_width=widest)
    return (*before, name, description)


def _stacked(entry: HelpEntry) -> RenderableType:
    """Return the names of an option, and its description below them."""
    from cyclopts.help import DescriptionRenderer  # noqa: PLC0415 - likewise
    from rich.console import Group  # noqa: PLC0415 - likewise
    from rich.padding import Padding  # noqa: PLC0415 - likewise
    from rich.text import Text  # noqa: PLC0415 - likewise

    names = Text(" ".join(entry.display_labels_with_metavar), style="cyclopts.name")
    return Group(names, Padding(DescriptionRenderer()(entry), (0, 0, 0, 2)))
