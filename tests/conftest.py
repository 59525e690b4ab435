"""Settings and fixtures for every test."""

import asyncio
import gc
import heapq
import json
import os
import signal
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from fakes.raw_server import Server
from hypothesis import HealthCheck, settings

from aiotofupilot import TofuPilotSession
from aiotofupilot._clock import Clock
from aiotofupilot._session import Wiring
from aiotofupilot.testing import without_waits

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


gc.set_threshold(1_000_000, 20, 100)  # searches for garbage are rare, because each module of tests begins with one


@pytest.fixture(scope="module", autouse=True)
def frozen():
    """What is there now, such as modules, stays to the end: no search for garbage within a test has to look at it."""
    gc.collect()
    gc.freeze()


class FakeClock(Clock):
    """A clock whose time passes only when everyone waits, and whose chance draws given numbers."""

    def __init__(self):
        self.seconds = 0.0
        self.slept = []
        self.drawn = []
        self.chance = 1.0
        """Where a number is drawn between its bounds: 0.0 is the low one, and 1.0 the high one."""
        self._sleepers = []
        self._order = count()

    def monotonic(self):
        return self.seconds

    def now(self):
        return datetime(2026, 2, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def uniform(self, low, high):
        self.drawn.append((low, high))
        return low + (high - low) * self.chance

    async def sleep(self, seconds):
        self.slept.append(seconds)
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.seconds + seconds, next(self._order), woken))
        await woken

    def timeout(self, seconds):
        scope = asyncio.timeout(None)
        if seconds is None:
            return scope
        over = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.seconds + seconds, next(self._order), over))

        def expire(_over):
            with suppress(RuntimeError):  # unless the context was left before
                scope.reschedule(0.0)

        over.add_done_callback(expire)
        return scope

    async def run(self, *coroutines):
        """Run coroutines side by side, let the time pass that they need, and return their results or errors."""
        loop = asyncio.get_running_loop()
        running = asyncio.gather(*coroutines, return_exceptions=True)
        while not running.done():
            await asyncio.sleep(0)
            if not loop._ready and not running.done():  # nothing can continue before some time has passed
                assert self._sleepers, "everyone waits, and not for the time"
                self.seconds, _, woken = heapq.heappop(self._sleepers)
                if not woken.done():  # unless the sleeper was cancelled
                    woken.set_result(None)
        return await running


@pytest.fixture(scope="session", autouse=True)
def no_waiting():
    """Sessions of this process wait for nobody but the server, unless a test asks for `waiting`."""
    with without_waits():
        yield


@pytest.fixture
def waiting(monkeypatch):
    """Sessions wait in this test as those of users do."""
    monkeypatch.setattr(TofuPilotSession, "_wiring", Wiring())


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def until():
    """Waits for something that has no event, such as what the other end of a socket has noticed."""

    async def until(condition):
        async with asyncio.timeout(30):
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
    from fakes.telemetry import Telemetry  # noqa: PLC0415 - few tests need OpenTelemetry

    from aiotofupilot import _otel  # noqa: PLC0415 - likewise

    told = Telemetry()
    monkeypatch.setattr("opentelemetry.trace._TRACER_PROVIDER", told.tracers)
    monkeypatch.setattr("opentelemetry.metrics._internal._METER_PROVIDER", told.meters)
    made = _otel._made.__wrapped__()
    monkeypatch.setattr(_otel, "_made", lambda: made)
    yield told
    told.meters.shutdown()


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
