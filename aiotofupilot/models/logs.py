"""Log lines of runs.

Source: the official Python SDK ``tofupilot`` 2.26.1, ``v2/models/log_listop.py``
"""

from datetime import datetime

from .frozen import frozen
from .people import UserRef
from .procedures import ProcedureRef
from .stations import StationRef
from .units import UnitRef

__all__ = ["Log", "LogRun"]


@frozen
class LogRun:
    """The run that wrote a log line."""

    id: str
    """UUID."""
    outcome: str
    """``PASS``, ``FAIL``, ``ERROR``, ``TIMEOUT``, ``ABORTED``, or one that TofuPilot adds later."""
    started_at: datetime
    """When the run began; timezone-aware."""


@frozen(kw_only=True)
class Log:
    """One line that a run wrote to its log."""

    id: str
    """UUID."""
    level: str
    """``DEBUG``, ``INFO``, ``WARNING``, ``ERROR``, ``CRITICAL``, or one that TofuPilot adds later."""
    message: str
    """Text of the line."""
    created_at: datetime
    """When it was written; timezone-aware. The filters of the listing call it ``timestamp``."""
    source_file: str | None
    """The source file that wrote it. None: the server names none."""
    line_number: int | None
    """The line in the source file. None: the server names none."""
    run: LogRun
    """The run that wrote it."""
    unit: UnitRef
    """The unit that was tested."""
    procedure: ProcedureRef
    """The procedure that was run."""
    created_by_user: UserRef | None = None
    """The user who uploaded it. None: a station did, or the server does not say."""
    created_by_station: StationRef | None = None
    """The station that uploaded it. None: a user did, or the server does not say."""
