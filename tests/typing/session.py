"""A session and its options as type checkers see them: never run, only checked."""

from __future__ import annotations

from typing import assert_type

import aiohttp
from tenacity import AsyncRetrying, stop_after_attempt

from aiotofupilot import RetryPolicy, TofuPilotSession


async def a_session_is_a_context_manager() -> None:
    async with TofuPilotSession() as session:
        assert_type(session, TofuPilotSession)
    assert_type(await session.close(), None)


def every_option_has_a_type(http_session: aiohttp.ClientSession, trace_config: aiohttp.TraceConfig) -> None:
    TofuPilotSession(
        "key",
        base_url="https://tofupilot.example/api",
        timeout=10,
        retry=RetryPolicy(attempts=3, max_elapsed=20, initial_wait=0.1, max_wait=5, max_retry_after=10),
        http_session=http_session,
        allow_insecure_http=False,
    )
    TofuPilotSession(concurrency=8)
    TofuPilotSession(timeout=None, retry=None, trace_configs=[trace_config])
    TofuPilotSession(retry=AsyncRetrying(stop=stop_after_attempt(3)))
    TofuPilotSession(retry=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - a policy
    TofuPilotSession("key", "https://tofupilot.example")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue] - keyword-only


def other_options_are_a_session_again(session: TofuPilotSession) -> None:
    assert_type(session.with_options(timeout=5.0), TofuPilotSession)
    assert_type(session.with_options(concurrency=4), TofuPilotSession)
    assert_type(session.with_options(timeout=None, retry=None), TofuPilotSession)
    assert_type(session.with_options(retry=RetryPolicy(attempts=2)), TofuPilotSession)
