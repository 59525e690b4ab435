"""Stream TofuPilot procedures with asyncio: one line of ``async for`` follows the cursor through every page.

PYTEST_DONT_REWRITE: pytest, which has a plugin in here, would warn where the package is imported before it runs.
"""

from typing import TYPE_CHECKING

__all__ = [
    "APIError",
    "BadRequestError",
    "CertificateError",
    "Checkpoint",
    "ConfigurationError",
    "ConnectionFailedError",
    "DecodeError",
    "DriftError",
    "ForbiddenError",
    "InvalidJSONError",
    "NotFoundError",
    "Page",
    "PageMeta",
    "PaginationError",
    "Paginator",
    "Procedure",
    "RateLimitedError",
    "RedirectError",
    "Repository",
    "RequestCounts",
    "RequestTimeoutError",
    "ResponseTooLargeError",
    "RetryPolicy",
    "ServerError",
    "SessionError",
    "TofuPilotError",
    "TofuPilotSession",
    "TransportError",
    "UnauthorizedError",
    "User",
    "ValidationIssue",
    "Walk",
    "WalkStats",
]

if TYPE_CHECKING:
    from ._http.policy import RetryPolicy
    from ._paginator import Paginator
    from ._session import TofuPilotSession
    from ._walk import Walk
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
    from .models import Page, PageMeta, Procedure, Repository, User
    from .stats import RequestCounts, WalkStats
else:  # not for type checkers, which would believe in any name
    from . import _lazy

    _LIGHTEST_FIRST = ("models", "checkpoint", "stats", "errors", "_http.policy", "_walk", "_paginator", "_session")
    __getattr__, __dir__ = _lazy.lazy(__name__, __all__, _LIGHTEST_FIRST)
