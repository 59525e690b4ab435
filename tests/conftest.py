"""Settings and fixtures for every test."""

import asyncio
import errno
import gc
import json
import logging
import os
import signal

import pytest
from fakes.clock import FakeClock
from fakes.raw_server import Server
from fakes.waits import without_waits
from hypothesis import HealthCheck, settings

import aiotofupilot
from aiotofupilot import RetryPolicy, TofuPilotSession, listings, testing

# Examples have no deadline, because their time depends on the machine. Those of the default profile are few, and the
# same in every run of the same files, so that a test fails because of a change. Other files may lead to other
# examples, because Hypothesis draws the constants of the package's modules that are loaded too.
# --hypothesis-profile=nightly draws ten times as many or more, and new ones in each run. What fails there becomes an
# explicit example. fakes/budget.py says what else it does more often.
settings.register_profile(
    "nightly",
    max_examples=100,
    derandomize=False,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("quick", settings.get_profile("nightly"), max_examples=10, derandomize=True)
settings.load_profile("quick")


os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")  # of dlt: no test sends any


# A program that a test starts inherits which signals are ignored. A shell ignores SIGINT for what it starts in the
# background, and nohup ignores SIGHUP.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


# In debug mode, asyncio logs which callback took long. That depends on the machine, and no test is about it.
logging.getLogger("asyncio").addFilter(lambda record: not str(record.msg).startswith("Executing "))


gc.set_threshold(1_000_000, 20, 100)  # searches for garbage are rare, because each module of tests begins with one


@pytest.fixture(scope="module", autouse=True)
def frozen():
    """What is there now, such as modules, stays to the end: no search for garbage within a test has to look at it."""
    gc.collect()
    gc.freeze()


WIRING = TofuPilotSession._wiring
"""As users have it."""


@pytest.fixture(scope="session", autouse=True)
def loaded():
    """The public names are loaded. pytester would forget each module that a run in this process was the first to load.

    A name of the package and the same name of the module would then be two objects in later tests.
    """
    for package in (aiotofupilot, listings, testing):
        for name in package.__all__:
            getattr(package, name)


@pytest.fixture(scope="session", autouse=True)
def no_waiting():
    """Sessions of this process wait for nobody but the server, unless a test asks for `waiting`."""
    with without_waits():
        yield


@pytest.fixture
def waiting(monkeypatch):
    """Sessions wait in this test as those of users do."""
    monkeypatch.setattr(TofuPilotSession, "_wiring", WIRING)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def until():
    """Waits for something that has no event, such as what the other end of a socket has noticed."""

    async def until(condition):
        async with asyncio.timeout(90):
            while not condition():  # noqa: ASYNC110 - see above
                await asyncio.sleep(0.001)

    return until


@pytest.fixture(scope="session")
def official_sdk():
    """Runs programs with the official SDK, each in a separate process."""
    from fakes.command import OfficialSDK  # noqa: PLC0415 - few tests need it

    sdk = OfficialSDK()
    yield sdk
    sdk.close()


@pytest.fixture
def telemetry(monkeypatch):
    """OpenTelemetry's SDK in memory. It records this package, and not the instruments of other tests."""
    from fakes.telemetry import installed  # noqa: PLC0415 - few tests need OpenTelemetry

    with installed(monkeypatch) as telemetry:
        yield telemetry


@pytest.fixture
async def session(sandbox):
    """Open a session on the sandbox of a module. It does not wait before retries."""
    retry = RetryPolicy(attempts=10, initial_wait=0)
    async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url, retry=retry) as session:
        yield session


@pytest.fixture
def login(tmp_path, monkeypatch):
    """Log in with TofuPilot's own command, with nothing in the environment. It returns the file."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("TOFUPILOT_API_KEY", raising=False)
    monkeypatch.delenv("TOFUPILOT_URL", raising=False)

    def login(mode=0o600, **members):
        path = tmp_path / ".tofupilot" / "credentials.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(members))
        path.chmod(mode)
        return path

    return login


@pytest.fixture
async def server():
    """Run a server that sends the bytes that it is told to send."""
    server = await Server().start()
    yield server
    await server.stop()


@pytest.fixture
async def elsewhere():
    """Run another one."""
    server = await Server().start()
    yield server
    await server.stop()


@pytest.fixture
def refused_modes(monkeypatch):
    """Let no mode be changed, as on a share that is mounted for another user. Return the paths for which it was."""
    refused = []

    def refuse(path, *_, **__):
        refused.append(path)
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), path)

    monkeypatch.setattr(os, "chmod", refuse)
    monkeypatch.setattr(os, "fchmod", refuse)
    return refused
