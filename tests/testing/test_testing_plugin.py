"""`testing.plugin`: real test runs in every framework, each in a process of its own where every warning is an error."""

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

SYNC = """
import os
import subprocess
import sys

SERVICE = '''
import os
from urllib.request import Request, urlopen

headers = {"Authorization": f"Bearer {os.environ['TOFUPILOT_API_KEY']}"}
with urlopen(Request(f"{os.environ['TOFUPILOT_URL']}/v2/procedures", headers=headers)) as response:
    print(response.status)
'''

def test_service_in_another_process(tofupilot_sandbox, tofupilot_environment):
    assert os.environ["TOFUPILOT_URL"] == tofupilot_environment["TOFUPILOT_URL"] == tofupilot_sandbox.url
    assert os.environ["TOFUPILOT_API_KEY"] == tofupilot_environment["TOFUPILOT_API_KEY"] == tofupilot_sandbox.api_key
    service = subprocess.run([sys.executable, "-c", SERVICE], check=True, capture_output=True, text=True)
    assert service.stdout == "200\\n"
    assert len(tofupilot_sandbox.requests) == 1

def test_environment_is_restored():
    assert not os.environ.keys() & {"TOFUPILOT_URL", "TOFUPILOT_API_KEY"}
"""

ASYNC = """
import pytest

from aiotofupilot.sandbox.faults import status
from aiotofupilot.models import Procedure
from aiotofupilot.testing import make, session_on

async def test_sandbox(tofupilot_sandbox):
    async with session_on(tofupilot_sandbox) as session:
        assert await session.procedures.list().collect() == tofupilot_sandbox.procedures
        tofupilot_sandbox.procedures.insert(0, make(Procedure, name="Burn-In"))
        assert (await session.procedures.list().first()).name == "Burn-In"

async def test_bad_day(tofupilot_sandbox):
    del tofupilot_sandbox.procedures[3:]
    tofupilot_sandbox.faults.next(status(503, retry_after=0))
    async with session_on(tofupilot_sandbox) as session:
        assert len(await session.procedures.list().collect()) == 3
    assert [request.status for request in tofupilot_sandbox.requests] == [503, 200]
"""

ANYIO = """
import pytest

pytestmark = pytest.mark.anyio

@pytest.fixture
def anyio_backend():
    return "asyncio"
"""

AIOHTTP = """
from aiohttp import web
from aiotofupilot import TofuPilotSession

async def test_service(aiohttp_client, tofupilot_environment, tofupilot_sandbox):
    async def names(request):
        async with TofuPilotSession() as session:
            return web.json_response([procedure.name async for procedure in session.procedures.list()])

    service = web.Application()
    service.router.add_get("/names", names)
    client = await aiohttp_client(service)
    async with client.get("/names") as response:
        assert await response.json() == [procedure.name for procedure in tofupilot_sandbox.procedures]
"""

UNITTEST = """
import unittest

from aiotofupilot import TofuPilotSession
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.testing import serve

class InTheTestsLoop(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.sandbox = await self.enterAsyncContext(Sandbox(procedures=250))
        self.session = await self.enterAsyncContext(
            TofuPilotSession(self.sandbox.api_key, base_url=self.sandbox.url)
        )

    async def test_session(self):
        self.assertEqual(await self.session.procedures.list().collect(), self.sandbox.procedures)

class InAThread(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.sandbox = self.enterContext(serve(Sandbox(procedures=250)))

    async def test_sandbox(self):
        async with TofuPilotSession(self.sandbox.api_key, base_url=self.sandbox.url) as session:
            self.assertEqual(await session.procedures.list().collect(), self.sandbox.procedures)
"""


@pytest.fixture
def run(pytester, monkeypatch):
    """Run pytest on a test file, with this plugin and the named ones alone; apart: in a process of its own."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("TOFUPILOT_API_KEY", raising=False)
    monkeypatch.delenv("TOFUPILOT_URL", raising=False)

    def run(source, *arguments, plugins=(), apart=False):
        if not {"asyncio", "pytest_asyncio.plugin"}.isdisjoint(plugins):  # it warns where this is not set
            arguments = ("-o", "asyncio_default_fixture_loop_scope=function", *arguments)
        pytester.makepyfile(source)
        named = [argument for plugin in ("aiotofupilot", *plugins) for argument in ("-p", plugin)]
        warnings = ("-W", "error", "-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning")
        start = pytester.runpytest_subprocess if apart else pytester.runpytest
        return start(*warnings, "--strict-markers", *named, *arguments)

    return run


def test_a_test_that_blocks_has_a_sandbox(run):
    """A service that it starts in another process has it too."""
    run(SYNC).assert_outcomes(passed=2)


def test_a_service_of_pytest_aiohttp_finds_the_sandbox_in_the_environment(run, pytester, monkeypatch):
    """A login of the machine does not matter, even a malformed one."""
    monkeypatch.setenv("HOME", str(pytester.path))
    (pytester.mkdir(".tofupilot") / "credentials.json").write_text("{")
    run(ASYNC + AIOHTTP, "--asyncio-mode=auto", plugins=["asyncio", "aiohttp"]).assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("source", "plugin"), [(f"{ASYNC}\npytestmark = pytest.mark.asyncio", "asyncio"), (ANYIO + ASYNC, "anyio")]
)
def test_a_session_lives_in_the_loop_of_its_test(run, source, plugin):
    """The sandbox has a thread and a loop of its own."""
    run(source, plugins=[plugin]).assert_outcomes(passed=2)


def test_unittest_needs_no_pytest(pytester):
    """A test case enters a sandbox like any context. It needs no other tool of tests either."""
    pytester.makepyfile(test_unit=UNITTEST)
    program = "import sys, unittest; sys.modules |= {'aioresponses': None, 'pytest': None}; unittest.main('test_unit')"
    ran = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-W", "error", "-c", program], check=True, capture_output=True, text=True
    )
    assert "Ran 2 tests" in ran.stderr
    assert ran.stderr.endswith("\n\nOK\n")


def test_the_fixtures_are_explained(run):
    """`pytest --fixtures` tells what there is, and hides how it is done."""
    listing = run("", "--fixtures", plugins=["asyncio"]).stdout.str()
    assert [line.split(" -- ")[0] for line in listing.splitlines() if " -- " in line and "tofupilot" in line] == [
        "tofupilot_sandbox",
        "tofupilot_environment",
    ]


def test_it_costs_nothing_where_it_is_not_used(run):
    """A test run that uses no fixture of the plugin imports none of the packages that they need."""
    source = """
    import sys

    def test():
        assert "aiotofupilot.testing.plugin" in sys.modules
        assert not sys.modules.keys() & {"aiohttp", "attr", "attrs", "cattrs", "msgspec", "tenacity", "yarl"}
        ours = {name for name in sys.modules if name.startswith("aiotofupilot")}
        assert ours == {
            "aiotofupilot", "aiotofupilot._public", "aiotofupilot._version",
            "aiotofupilot.testing", "aiotofupilot.testing.plugin",
        }
    """
    run(source, plugins=["asyncio"], apart=True).assert_outcomes(passed=1)
