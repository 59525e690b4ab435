"""The session fixtures for tests of pytest-asyncio. They are imported only where that plugin is enabled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest_asyncio

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from aiotofupilot import TofuPilotSession
    from aiotofupilot.sandbox import Sandbox


def _session_fixture(loop_scope: Literal["function", "class", "module", "package", "session"]) -> object:
    """Make a fixture whose session lives in the event loop of a scope. The test has to run in the same loop."""

    @pytest_asyncio.fixture(name=f"_tofupilot_session_in_{loop_scope}_loop", loop_scope=loop_scope)
    async def session(tofupilot_sandbox: Sandbox) -> AsyncGenerator[TofuPilotSession]:
        """An open session on the sandbox."""
        from .serving import session_on  # noqa: PLC0415 - for tests that use it

        async with session_on(tofupilot_sandbox) as session:
            yield session

    return session


in_function_loop: object = _session_fixture("function")
in_class_loop: object = _session_fixture("class")
in_module_loop: object = _session_fixture("module")
in_package_loop: object = _session_fixture("package")
in_session_loop: object = _session_fixture("session")
