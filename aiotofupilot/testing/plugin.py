"""The pytest plugin, with fixtures for a sandbox and for environment variables that lead to it.

    @pytest.mark.tofupilot(procedures=3)
    def test_sync_imports_every_procedure(tofupilot_sandbox): ...

Every test run imports it, so it imports only pytest until a test uses a fixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from aiotofupilot.sandbox import Sandbox

_MARKER = (
    "tofupilot(**options): options of the test's aiotofupilot.sandbox.Sandbox, such as procedures=3, "
    "runs=[make_run()], stations=[] and seed=7. faults is a list of faults for the first requests, or a function that "
    "takes sandbox.faults. Options of a test replace those of its class and module."
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def tofupilot_sandbox(request: pytest.FixtureRequest) -> Generator[Sandbox]:
    """A sandbox for this test, in its own thread. The marker `tofupilot` sets its options."""
    from .serving import sandbox_of, serve  # noqa: PLC0415 - for tests that use it

    try:
        sandbox = sandbox_of(request.node.iter_markers("tofupilot"))
    except (TypeError, ValueError) as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None  # the cause repeats the text
    with serve(sandbox):
        yield sandbox


@pytest.fixture
def tofupilot_environment(tofupilot_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """The environment variables that point to the sandbox, set for this test."""
    environment = {"TOFUPILOT_API_KEY": tofupilot_sandbox.api_key, "TOFUPILOT_URL": tofupilot_sandbox.url}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return environment
