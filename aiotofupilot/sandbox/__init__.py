"""An embedded TofuPilot for tests, demonstrations and benchmarks: a server with a made-up factory.

It answers requests for every listing of API v2, as TofuPilot's REST layer does. It listens on a loopback port and needs
no account:

    async with Sandbox(procedures=250, runs=1_000) as sandbox:
        async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
            procedures = await session.procedures.list().collect()
    assert procedures == sandbox.procedures

The factory is computed from one seed. Its runs test units on stations, and write phases, measurements and logs. Units
have parts and batches. On one station, many runs fail. Every listing is a list that you may change at any time:
``sandbox.runs``, ``sandbox.units`` and so on.

Faults are given in sentences. `faults` has all that can go wrong, and `paging` has odd servers:

    sandbox.faults.next(status(503), reset(), times=2)
    sandbox.faults.randomly(rate=0.1, seed=7)
    sandbox.before_response.append(BusyLine(runs=0.5, inserts=0.2, removals=0.1))

The modules, from the outside to the inside. Each of them works without those above it.

- `server` is the `Sandbox`: it handles requests, and serves them over HTTP.
- `faults` are what can go wrong, and `schedule` decides which request meets which. A fault alters a `delivery`, which
  is an answer as steps.
- `log` remembers the requests. `busy_line` is a production line that keeps working while a client lists.
- `api` gives the right answers alone. `paging` cuts listings into pages.
- `factory` has the items of all listings, given or made up.
- `resources` has a module for each listing: its parameters, what they select, its sort orders, and how its items are
  made. `resource` has what they have in common.
- `request` is what a client asks. `parameters` and `metadata` read its query, as the validator `zod` would. `wire`
  writes answers as JSON.
- `world` is the made-up factory, and `plan` has the parts of what it plans. `recipes` has its products and tests, and
  `data` makes its procedures.
"""

from . import faults, paging
from .api import Api
from .busy_line import BusyLine
from .data import make_procedures
from .delivery import Delivery
from .factory import Factory
from .log import Request, RequestLog
from .plan import DeployedRun
from .request import Query
from .schedule import Faults
from .server import Hook, Sandbox
from .wire import Answer

__all__ = [
    "Answer",
    "Api",
    "BusyLine",
    "Delivery",
    "DeployedRun",
    "Factory",
    "Faults",
    "Hook",
    "Query",
    "Request",
    "RequestLog",
    "Sandbox",
    "faults",
    "make_procedures",
    "paging",
]
