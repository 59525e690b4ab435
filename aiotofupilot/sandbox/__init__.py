"""An embedded TofuPilot for tests, demonstrations and benchmarks: a server with a made-up factory.

It responds to requests for every listing of API v2, and for all that the API returns by itself, as TofuPilot's REST
layer does. It listens on a loopback port and needs no account:

    async with Sandbox(procedures=250, runs=1_000) as sandbox:
        async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
            procedures = await session.procedures.list().collect()
    assert procedures == sandbox.procedures

The factory is computed from one seed. Its runs test units on stations, and write phases, measurements and logs. Units
have parts and batches. On one station, many runs fail. Every listing is a list that you may change at any time:
``sandbox.runs``, ``sandbox.units`` and so on.

Rules say which request meets which fault. `faults` has all that can go wrong, and `paging` has servers with a bound:

    sandbox.faults.next(status(503), reset(), times=2)
    sandbox.faults.randomly(rate=0.1, seed=7)
    sandbox.before_response.append(BusyLine(runs=0.5, inserts=0.2, removals=0.1))

The modules, from the outside to the inside. Each of them works without those above it.

- `server` is the `Sandbox`: it handles requests, and serves them over HTTP. `paging` cuts listings into pages.
- `faults` are what can go wrong, and decide which request meets which.
- `resources` has the listings, as far as they do not follow from the client's declarations and the models, and what the
  API returns by itself. `resource` has what they have in common. `storage` has attachments, at addresses that expire.
- `factory` has the items of all listings, given or made up, and a production line that keeps working meanwhile.
- `request` is the request of a client, its response as steps, and the log.
- `rest` reads queries, as the validator `zod` would, and writes items and errors as JSON.
"""

from . import faults, paging
from .factory import BusyLine, DeployedRun, Factory, make_procedures
from .faults import Faults
from .request import Delivery, Query, Request, RequestLog
from .server import Hook, Sandbox

__all__ = [
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
