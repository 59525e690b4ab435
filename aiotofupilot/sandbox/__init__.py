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

- `server` is the `Sandbox`: an HTTP server. `playing` plays an answer on a connection.
- `service` is the sandbox without its network: calls, with no socket and no event loop.
- `faults` are what can go wrong, and `schedule` decides which request meets which. A fault alters a `delivery`, which
  is an answer as steps.
- `log` remembers the requests. `busy_line` is a production line that keeps working while a client lists.
- `api` gives the right answers alone. `listing` is the same for procedures that are given.
- `request` is what a client asks. `parameters`, `quantities` and `metadata` read its query, as the validator `zod`
  would. `selection` finds the rows that it asks for, `paging` cuts them into pages, and `wire` writes them as JSON.
- `resource` describes a listing, and `resources` has all of them.
- `factory` has the items of all listings. They are `rows`, which consist of `pieces`.
- `world` is the made-up factory, and `data` makes its procedures.
"""

from . import faults, paging
from .api import Api
from .busy_line import BusyLine
from .data import make_procedures
from .delivery import Delivery
from .factory import Factory
from .listing import Listing
from .log import Request, RequestLog
from .request import Query
from .rows import Rows
from .schedule import Faults
from .server import Sandbox
from .service import Hook, Service
from .wire import Answer

__all__ = [
    "Answer",
    "Api",
    "BusyLine",
    "Delivery",
    "Factory",
    "Faults",
    "Hook",
    "Listing",
    "Query",
    "Request",
    "RequestLog",
    "Rows",
    "Sandbox",
    "Service",
    "faults",
    "make_procedures",
    "paging",
]
