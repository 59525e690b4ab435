"""A sandbox in a separate thread, because these tests have no event loop."""

import pytest

from aiotofupilot.blocking import BlockingSession
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.testing import serve


@pytest.fixture
def sandbox():
    with serve(Sandbox(procedures=250, runs=300)) as sandbox:
        yield sandbox


@pytest.fixture
def session(sandbox):
    with BlockingSession(sandbox.api_key, base_url=sandbox.url) as session:
        yield session
