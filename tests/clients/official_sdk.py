"""Ask a server with the official SDK for what fails. Run as a program; writes a JSON document to stdout.

    python official_sdk.py URL API_KEY STATION_KEY

Its telemetry is off, and to be sure, a connection or a look-up beyond this machine is refused and told on stderr.
"""

import json
import os
import sys

os.environ["DISABLE_TELEMETRY"] = "true"  # read when the SDK is imported
LOOPBACK = "127.0.0.1"


def refuse_other_hosts(event, arguments):
    """Audit what leaves this process."""
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto"):
        host = arguments[1][0]
    else:
        return
    if host not in (LOOPBACK, LOOPBACK.encode()):
        sys.stderr.write(f"beyond this machine: {event} {arguments}\n")
        raise PermissionError(host)


sys.addaudithook(refuse_other_hosts)

from tofupilot.v2 import TofuPilot  # noqa: E402 - with its telemetry off
from tofupilot.v2.errors import TofuPilotError  # noqa: E402 - likewise


def error(url, key, **query):
    """Ask for what is refused, and say how that arrives."""
    with TofuPilot(api_key=key, server_url=url) as client:
        try:
            client.procedures.list(**query)
        except TofuPilotError as caught:
            said = caught.data.model_dump() if hasattr(caught, "data") else json.loads(caught.body)
            return {"type": type(caught).__name__, "status": caught.status_code, **said}


def main(url, key, station_key):
    """Write all of it."""
    errors = {
        "400": error(url, key, search_query="x" * 101),
        "401": error(url, "another-key"),
        "403": error(url, station_key),
        "500": error(url, key, search_query="outage"),
    }
    json.dump(errors, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
