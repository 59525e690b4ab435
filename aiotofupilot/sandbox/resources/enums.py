"""The words that the API knows. The validator refuses others."""

from __future__ import annotations

__all__ = [
    "BUILD_STATUSES",
    "ENVIRONMENTS",
    "LEVELS",
    "MEASUREMENT_OUTCOMES",
    "MEASUREMENT_TYPES",
    "ORDERS",
    "PHASE_OUTCOMES",
    "RUN_OUTCOMES",
    "SAMPLES",
]

BUILD_STATUSES = ("pending", "building", "ready", "failed")
ENVIRONMENTS = ("production", "preview", "development")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
MEASUREMENT_OUTCOMES = ("PASS", "FAIL", "UNSET")
MEASUREMENT_TYPES = ("numeric", "boolean", "string", "multidimensional", "empty", "json")
ORDERS = ("asc", "desc")
PHASE_OUTCOMES = ("PASS", "FAIL", "SKIP", "ERROR")
RUN_OUTCOMES = ("PASS", "FAIL", "ERROR", "TIMEOUT", "ABORTED")
SAMPLES = ("production", "golden", "failing", "ignored")
