"""An embedded TofuPilot server with made-up data, for tests, demonstrations and benchmarks.

It has every listing and detail of API v2, listens on a loopback port, and needs no account:

    async with Sandbox(procedures=250, runs=1_000) as sandbox:
        async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
            procedures = await session.procedures.list().collect()
    assert procedures == sandbox.procedures

One seed makes all data. Every listing, such as ``sandbox.runs``, is a list
that you may change at any time.

Faults and changes can be added:

    sandbox.faults.next(status(503), reset(), times=2)
    sandbox.faults.randomly(rate=0.1, seed=7)
    sandbox.before_response.append(BusyLine(runs=0.5, inserts=0.2, removals=0.1))

Each of these modules needs only modules below it:

- `server` has the `Sandbox`, which serves HTTP. `paging` cuts listings into pages.
- `faults` has the faults, and decides which requests meet them.
- `resources` adds to the client's declarations of listings and details. `resource` has the code that they share.
  `storage` has attachments, at addresses that expire.
- `factory` has the items of all listings, and a production line that changes them.
- `request` has requests, responses as steps, and the log.
- `rest` reads queries as the validator `zod` reads them, and writes items and errors as JSON.
"""

from . import faults, paging
from .factory import BusyLine, Factory, make_procedures
from .faults import Faults
from .request import Delivery, Request, RequestLog
from .server import Hook, Sandbox

__all__ = [
    "BusyLine",
    "Delivery",
    "Factory",
    "Faults",
    "Hook",
    "Request",
    "RequestLog",
    "Sandbox",
    "faults",
    "make_procedures",
    "paging",
]
