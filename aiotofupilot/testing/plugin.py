"""The pytest plugin, with fixtures for a sandbox and for environment variables that lead to it.

    def test_sync_imports_every_procedure(tofupilot_sandbox, tofupilot_environment): ...

Every test run imports it, so it imports only pytest until a test uses a fixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from aiotofupilot.sandbox import Sandbox


@pytest.fixture
def tofupilot_sandbox() -> Generator[Sandbox]:
    """A sandbox for this test, in its own thread. The test may change its items and its faults."""
    from aiotofupilot.sandbox import Sandbox  # noqa: PLC0415 - for tests that use it

    from .serving import serve  # noqa: PLC0415 - as above

    with serve(Sandbox()) as sandbox:
        yield sandbox


@pytest.fixture
def tofupilot_environment(tofupilot_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """The environment variables that point to the sandbox, set for this test."""
    environment = {"TOFUPILOT_API_KEY": tofupilot_sandbox.api_key, "TOFUPILOT_URL": tofupilot_sandbox.url}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return environment
