"""The metadata that people attach to runs, units, parts and stations."""

from collections.abc import Mapping

__all__ = ["Metadata"]

Metadata = Mapping[str, str | int | float | bool]
"""Names and their values, at most 50 of them. A number keeps the type that it has in JSON: 4 is an int, 4.5 a float."""
