"""Tell which queries the official SDK sends. Run as a program; writes a JSON document to stdout.

    python official_queries.py < CALLS

CALLS is a JSON array of calls, each a listing and its arguments by name, in which {"moment": text} is a datetime. The
answer has the URL of each call. Nothing is connected to: the SDK is given a transport that answers by itself.
"""

import json
import os
import sys
from datetime import datetime

os.environ["DISABLE_TELEMETRY"] = "true"  # read when the SDK is imported

import httpx
from tofupilot.v2 import TofuPilot

asked = []


def answer(request):
    """Answer with no items."""
    asked.append(str(request.url))
    page = {"data": [], "meta": {"has_more": False, "next_cursor": None}}
    return httpx.Response(200, json=[] if request.url.path.endswith("/users") else page)


def argument(value):
    """Make the argument that a call spells."""
    return datetime.fromisoformat(value["moment"]) if isinstance(value, dict) and "moment" in value else value


client = httpx.Client(transport=httpx.MockTransport(answer))
sdk = TofuPilot(api_key="key", server_url="http://127.0.0.1:9", client=client)
for listing, arguments in json.load(sys.stdin):
    getattr(sdk, listing).list(**{name: argument(value) for name, value in arguments.items()})
json.dump(asked, sys.stdout)
