"""Phases of runs.

Source: the official Python SDK ``tofupilot`` 2.26.1, ``v2/models/phase_listop.py``
"""

from datetime import datetime

from .frozen import frozen

__all__ = ["Phase"]


@frozen(kw_only=True)
class Phase:
    """One phase of a run."""

    id: str
    """UUID."""
    name: str
    """Display name."""
    outcome: str
    """``PASS``, ``FAIL``, ``SKIP``, ``ERROR``, or one that TofuPilot adds later."""
    started_at: datetime | None
    """When it began; timezone-aware. None: it did not begin."""
    ended_at: datetime | None
    """When it ended; timezone-aware. None: it did not end."""
    duration_ms: int | None
    """How long it took, in milliseconds. None: it did not end."""
    retry_count: int
    """How many attempts at the phase came before this one."""
    sequence_path: str | None = None
    """Path of the sequence that holds the phase. None: no sequence holds it, or the server is too old to say."""
    is_final_attempt: bool
    """Whether this is the last attempt at the phase."""
    run_id: str
    """UUID of the run."""
    run_outcome: str
    """``PASS``, ``FAIL``, ``ERROR``, ``TIMEOUT``, ``ABORTED``, or one that TofuPilot adds later."""
    serial_number: str | None
    """Serial number of the unit. None: the server names none."""
    sample: str | None
    """``golden``, ``failing``, ``ignored``, or one that TofuPilot adds later. None: a unit of production."""
