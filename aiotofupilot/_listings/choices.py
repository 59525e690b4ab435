"""Values that an argument of a listing can have.

Items have strings where the API has these, because the API's values have grown before. An item with a new value is no
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
"""What became of a measurement; ``UNSET`` stands for values that nothing checks."""

MeasurementType = Literal["numeric", "boolean", "string", "multidimensional", "empty", "json"]
"""What kind of value was measured."""

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
"""How much a log line matters."""

BuildStatus = Literal["pending", "building", "ready", "failed"]
"""How far the build of a deployment is."""

Environment = Literal["production", "preview", "development"]
"""Where a deployment runs."""

Sample = Literal["golden", "failing", "ignored"]
"""What a unit is a sample of."""

SampleFilter = Literal["golden", "failing", "ignored", "production"]
"""What a unit is a sample of; ``production`` stands for units that are no samples."""

SortOrder = Literal["asc", "desc"]
"""Which comes first: the smallest or oldest, or the largest or newest."""

MetadataFilter = Mapping[str, Mapping[str, str | float | bool | Sequence[str]]]
"""From at most 5 keys to one condition each: ``{"in": [str, ...]}``, ``{"contains": str}``, ``{"eq": bool}``, or any of
``gte``, ``lte``, ``gt``, ``lt`` and ``eq`` with a number each."""
