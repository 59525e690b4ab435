"""An embedded TofuPilot: a server with its own data, for tests, demonstrations and benchmarks.

It answers `GET /v2/procedures` as TofuPilot's REST layer does, on a loopback port, without an account:

    async with Sandbox(procedures=250) as sandbox:
        async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
            procedures = await session.procedures.list().collect()
    assert procedures == sandbox.procedures

A bad day is said in sentences (see `faults` for all that can go wrong, `paging` for odd servers):

    sandbox.faults.next(status(503), reset(), times=2)
    sandbox.faults.randomly(rate=0.1, seed=7)
    sandbox.before_response.append(BusyLine(inserts=0.5, removals=0.2))

`Service` is all of it without the server, `Listing` the right answers alone: calls, with no socket and no event loop.
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
