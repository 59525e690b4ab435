"""The tracer and the metrics of this package.

A program that sends telemetry has imported OpenTelemetry's API before it lists anything. So this package does not
import the API before the program does. In a program without it, a walk costs a lookup in `sys.modules` for each page.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from opentelemetry.metrics import Counter, Histogram
    from opentelemetry.trace import Tracer

__all__ = ["Instruments", "instruments"]

_SCOPE = "aiotofupilot"

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60)
"""Boundaries of the histogram. They are those of the semantic conventions for HTTP, and some longer ones, because the
retries of a page can take a minute."""


@frozen
class Instruments:
    """The tracer and the metrics, with their names."""

    tracer: Tracer
    """Makes the spans."""
    retries: Counter
    """``tofupilot.client.retries``: requests that asked again after an attempt had failed."""
    pauses: Counter
    """``tofupilot.client.pauses``: how often the server made a session pause."""
    pages: Histogram
    """``tofupilot.client.page.duration``: seconds that walks waited for each page, retries included."""


def instruments() -> Instruments | None:
    """Return the instruments. None: the program does not use OpenTelemetry."""
    return _made() if "opentelemetry.trace" in sys.modules else None


@cache
def _made() -> Instruments:
    from opentelemetry.metrics import get_meter  # noqa: PLC0415 - an extra; see the module's docstring
    from opentelemetry.trace import get_tracer  # noqa: PLC0415 - likewise

    meter = get_meter(_SCOPE)
    return Instruments(
        tracer=get_tracer(_SCOPE),
        retries=meter.create_counter(
            "tofupilot.client.retries", "{retry}", "Requests that asked again after an attempt had failed."
        ),
        pauses=meter.create_counter("tofupilot.client.pauses", "{pause}", "How often the server made a session pause."),
        pages=meter.create_histogram(
            "tofupilot.client.page.duration",
            "s",
            "How long walks waited for each page, retries included.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        ),
    )
