"""The errors as type checkers see them: never run, only checked."""

from __future__ import annotations

from typing import assert_type

from aiotofupilot import (
    APIError,
    BadRequestError,
    ConnectionFailedError,
    DecodeError,
    PaginationError,
    RateLimitedError,
    RequestTimeoutError,
    TofuPilotError,
    TofuPilotSession,
    TransportError,
)
from aiotofupilot.errors import ValidationIssue


async def every_error_carries_what_it_knows(session: TofuPilotSession) -> None:
    try:
        await session.procedures.list()
    except RateLimitedError as error:
        assert_type(error.retry_after, float | None)
    except BadRequestError as error:
        assert_type(error.issues, tuple[ValidationIssue, ...])
        assert_type(error.issues[0].path, tuple[str | int, ...])
    except APIError as error:
        assert_type(error.status, int)
        assert_type(error.code, str | None)
        assert_type(error.message, str)
        assert_type(error.request_id, str | None)
        assert_type(error.body, bytes)
    except RequestTimeoutError as error:
        assert_type(error.timeout, float | None)
    except DecodeError as error:
        assert_type(error.path, str)
    except PaginationError as error:
        assert_type(error.next_cursor, int | None)
    except TofuPilotError as error:
        assert_type(error.attempts, int)


def a_failed_connection_is_a_transport_error(error: ConnectionFailedError) -> TransportError:
    return error
