"""An embedded TofuPilot: a server with its own data, for tests, demonstrations and benchmarks.

It answers `GET /v2/procedures` as TofuPilot's REST layer does, on a loopback port, without an account:

    async with Sandbox(procedures=250) as sandbox:
        async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
            procedures = await session.procedures.list().collect()
    assert procedures == sandbox.procedures

`Listing` is the same answers without the server: a call, with no socket and no event loop.
"""

from aiotofupilot.sandbox.data import make_procedures
from aiotofupilot.sandbox.listing import Listing
from aiotofupilot.sandbox.log import Request, RequestLog
from aiotofupilot.sandbox.server import Sandbox
from aiotofupilot.sandbox.wire import Answer

__all__ = ["Answer", "Listing", "Request", "RequestLog", "Sandbox", "make_procedures"]
