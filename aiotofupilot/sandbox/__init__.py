"""An embedded TofuPilot: a server with a factory of its own, for tests, demonstrations and benchmarks.

It answers for every listing of API v2 as TofuPilot's REST layer does, on a loopback port, without an account:

    async with Sandbox(procedures=250, runs=1_000) as sandbox:
        async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
            procedures = await session.procedures.list().collect()
    assert procedures == sandbox.procedures

The factory is made up from one seed. Its runs test units of batches of parts, on stations of which one fails, and write
phases, measurements and logs. Every listing is a list that may be changed at any time: ``sandbox.runs``,
``sandbox.units`` and so on.

A bad day is said in sentences (see `faults` for all that can go wrong, `paging` for odd servers):

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
