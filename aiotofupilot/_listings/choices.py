"""The values that arguments of listings can have.

Items have plain strings in these places, because TofuPilot has added values before. An item with a new value is not an
error.

Source: the official Python SDK ``tofupilot`` 2.26.1
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

__all__ = [
    "BuildStatus",
    "Environment",
    "LogLevel",
    "MeasurementOutcome",
    "MeasurementType",
    "MetadataFilter",
    "PhaseOutcome",
    "RunOutcome",
    "Sample",
    "SampleFilter",
    "SortOrder",
]

RunOutcome = Literal["PASS", "FAIL", "ERROR", "TIMEOUT", "ABORTED"]
"""How a run ended."""

PhaseOutcome = Literal["PASS", "FAIL", "SKIP", "ERROR"]
"""How a phase ended."""

MeasurementOutcome = Literal["PASS", "FAIL", "UNSET"]
"""The outcome of a measurement. ``UNSET``: nothing checks its value."""

MeasurementType = Literal["numeric", "boolean", "string", "multidimensional", "empty", "json"]
"""The kind of value that was measured."""

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
"""The severity of a log line."""

BuildStatus = Literal["pending", "building", "ready", "failed"]
"""The state of a deployment's build."""

Environment = Literal["production", "preview", "development"]
"""Where a deployment runs."""

Sample = Literal["golden", "failing", "ignored"]
"""What a unit is a sample of."""

SampleFilter = Literal["golden", "failing", "ignored", "production"]
"""What a unit is a sample of. ``production``: the unit is not a sample."""

SortOrder = Literal["asc", "desc"]
"""What comes first: the smallest or oldest, or the largest or newest."""

MetadataFilter = Mapping[str, Mapping[str, str | float | bool | Sequence[str]]]
"""At most 5 keys with one condition each. A condition is ``{"in": [str, ...]}``, ``{"contains": str}``, ``{"eq":
bool}``, or any of ``gte``, ``lte``, ``gt``, ``lt`` and ``eq``, each with a number."""
