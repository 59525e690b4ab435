"""Read single things with the official SDK. Run as a program; writes a JSON document to stdout.

    python official_sdk_details.py URL < QUERIES

QUERIES is a JSON array of ``[key, method, arguments]``, such as ``["key", "runs.get", {"id": "..."}]``. The answer has
what the SDK read for each, or the class and the text of what it raised.
"""

import json
import sys
from operator import attrgetter

import official_sdk  # keeps the SDK on this machine
from tofupilot.v2 import TofuPilot
from tofupilot.v2.errors import TofuPilotError


def read(client, method, arguments):
    """Read one thing."""
    try:
        return attrgetter(method)(client)(**arguments).model_dump(mode="json", by_alias=True, exclude_unset=True)
    except TofuPilotError as error:
        return [type(error).__name__, str(error)]


assert official_sdk.LOOPBACK in sys.argv[1]
asked = json.load(sys.stdin)
clients = {key: TofuPilot(api_key=key, server_url=sys.argv[1]) for key in {key for key, *_ in asked}}
json.dump([read(clients[key], *rest) for key, *rest in asked], sys.stdout)
