"""What the help says of a command: the docstring of its function, as the terminal wraps it."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["unwrapped"]

C = TypeVar("C", bound="Callable[..., object]")

_BREAK = re.compile(r"(?<=\S)\n(?:(?=\S)| {8,})")
"""A break within a paragraph, or within the description of an argument, which is indented twice."""


def unwrapped(command: C) -> C:
    """Let each paragraph of a command's docstring be one line, because cyclopts keeps the breaks of the source."""
    command.__doc__ = _BREAK.sub(" ", inspect.getdoc(command) or "") or None
    return command
