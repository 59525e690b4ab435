"""Stream every listing of TofuPilot with asyncio: one ``async for`` follows the cursor through every page.

The house, from top to bottom. A room imports from rooms below it only.

- `cli`, `testing` and `__main__` use the public names, as any program does.
- `_session` holds key, server and options, and has one property for each listing.
- `_listings` says what can be listed: where a listing is, what its items are, how it can be filtered.
- `_paging` says how a listing is walked, and knows no HTTP. `_http` says how one request gets through, and knows no
  paging. The two stand side by side, and a listing puts them together.
- `_wire` turns bytes into values and values into queries, without I/O.
- `checkpoint`, `errors`, `stats` and `models` are the values that users meet.
- `sandbox` is a TofuPilot for tests. The client never imports it.

PYTEST_DONT_REWRITE: pytest has a plugin in here, and would warn where the package is imported before pytest runs.
"""

from typing import TYPE_CHECKING

__all__ = [
    "APIError",
    "BadRequestError",
    "Batch",
    "BatchRef",
    "CertificateError",
    "Checkpoint",
    "Commit",
    "ConfigurationError",
    "ConnectionFailedError",
    "DecodeError",
    "Deployment",
    "DeploymentRepository",
    "DriftError",
    "ForbiddenError",
    "InvalidJSONError",
    "LastRun",
    "Log",
    "LogRun",
    "Measurement",
    "Metadata",
    "NotFoundError",
    "Operator",
    "Page",
    "PageMeta",
    "PaginationError",
    "Paginator",
    "Part",
    "PartRef",
    "Phase",
    "Procedure",
    "ProcedureRef",
    "ProcedureVersion",
    "RateLimitedError",
    "RawItem",
    "RedirectError",
    "Repository",
    "RequestCounts",
    "RequestTimeoutError",
    "ResponseTooLargeError",
    "RetryPolicy",
    "Revision",
    "Run",
    "RunProcedure",
    "RunSequence",
    "RunUnit",
    "ServerError",
    "SessionError",
    "Station",
    "StationRef",
    "Team",
    "TofuPilotError",
    "TofuPilotSession",
    "TransportError",
    "UnauthorizedError",
    "Unit",
    "UnitRef",
    "User",
    "UserRef",
    "ValidationIssue",
    "Validator",
    "Walk",
    "WalkStats",
]

if TYPE_CHECKING:
    from ._http.policy import RetryPolicy
    from ._paging.paginator import Paginator
    from ._paging.walk import Walk
    from ._session import TofuPilotSession
    from .checkpoint import Checkpoint
    from .errors import (
        APIError,
        BadRequestError,
        CertificateError,
        ConfigurationError,
        ConnectionFailedError,
        DecodeError,
        DriftError,
        ForbiddenError,
        InvalidJSONError,
        NotFoundError,
        PaginationError,
        RateLimitedError,
        RedirectError,
        RequestTimeoutError,
        ResponseTooLargeError,
        ServerError,
        SessionError,
        TofuPilotError,
        TransportError,
        UnauthorizedError,
        ValidationIssue,
    )
    from .models import (
        Batch,
        BatchRef,
        Commit,
        Deployment,
        DeploymentRepository,
        LastRun,
        Log,
        LogRun,
        Measurement,
        Metadata,
        Operator,
        Page,
        PageMeta,
        Part,
        PartRef,
        Phase,
        Procedure,
        ProcedureRef,
        ProcedureVersion,
        RawItem,
        Repository,
        Revision,
        Run,
        RunProcedure,
        RunSequence,
        RunUnit,
        Station,
        StationRef,
        Team,
        Unit,
        UnitRef,
        User,
        UserRef,
        Validator,
    )
    from .stats import RequestCounts, WalkStats
else:  # not for type checkers, which would believe in any name
    from . import _lazy

    _LIGHTEST_FIRST = (
        "models",
        "checkpoint",
        "stats",
        "errors",
        "_http.policy",
        "_paging.walk",
        "_paging.paginator",
        "_session",
    )
    __getattr__, __dir__ = _lazy.lazy(__name__, __all__, _LIGHTEST_FIRST)
