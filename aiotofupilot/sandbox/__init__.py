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

`Service` is all of it without the server, `Api` the right answers alone, and `Factory` the data alone: calls, with no
socket and no event loop. `Listing` is the `Api` of procedures that are given.
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
from .server import Sandbox
from .service import Hook, Service
from .wire import Answer

__all__ = [
    "Answer",
    "Api",
    "BusyLine",
    "Delivery",
    "Factory",
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
