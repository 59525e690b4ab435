"""How the items of a listing are shown as a table: one module for each listing. `column` is one column."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .column import Columns

__all__ = ["columns_of"]


def columns_of(listing: str) -> Columns:
    """Return how the items of a listing are shown. Only that listing's file is loaded."""
    columns: Columns = import_module(f"{__name__}.{listing}").COLUMNS
    return columns
