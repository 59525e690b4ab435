"""A group of options in the help, where no option's name is broken, however narrow the terminal is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cyclopts.help import ColumnSpec, HelpEntry, HelpPanel
    from rich.console import Console, ConsoleOptions

__all__ = ["panel"]


def panel(console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:
    """Print the options of a group, as cyclopts does but for the width of their names."""
    from cyclopts.help import DefaultFormatter  # noqa: PLC0415 - only the help needs it

    DefaultFormatter(column_specs=_columns)(console, options, panel)


def _columns(console: Console, options: ConsoleOptions, entries: Sequence[HelpEntry]) -> tuple[ColumnSpec, ...]:
    """Return the columns of names and descriptions, the former as wide as the longest name."""
    from cyclopts.help import NameRenderer  # noqa: PLC0415 - likewise
    from cyclopts.help.specs import get_default_parameter_columns  # noqa: PLC0415 - likewise

    names = [name for entry in entries for label in entry.display_labels_with_metavar for name in label.split()]
    longest = max(map(len, names))
    *before, name, description = get_default_parameter_columns(console, options, list(entries))
    widest = max(name.max_width or 0, longest + len("  "))  # the indent of what does not fit the first line
    name = evolve(name, renderer=NameRenderer(max_width=widest), min_width=longest, max_width=widest)
    return (*before, name, description)
