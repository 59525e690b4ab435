"""List with the official SDK, query by query. Run as a program; writes a JSON document to stdout.

    python official_sdk_listings.py URL API_KEY < QUERIES

QUERIES is a JSON array of ``[listing, arguments]``; date-times are texts. The answer has an array of items for each,
or the text of what the SDK raised.
"""

import json
import sys
from datetime import datetime

import official_sdk  # keeps the SDK on this machine
from tofupilot.v2 import TofuPilot
from tofupilot.v2.errors import TofuPilotError


def read(name, value):
    """Make an argument of what JSON holds."""
    return datetime.fromisoformat(value) if name.endswith(("_after", "_before")) else value


def items(client, listing, arguments):
    """List everything, page by page."""
    lists = getattr(client, listing).list
    if listing == "users":
        return [user.model_dump(mode="json", by_alias=True, exclude_unset=True) for user in lists()]
    found, cursor = [], 0
    while cursor is not None:
        page = lists(**arguments, limit=100, cursor=cursor)
        found += page.model_dump(mode="json", by_alias=True, exclude_unset=True)["data"]
        cursor = page.meta.next_cursor
    return found


def main(url, key):
    """Answer every query."""
    answers = []
    with TofuPilot(api_key=key, server_url=url) as client:
        for listing, arguments in json.load(sys.stdin):
            try:
                answers.append(items(client, listing, {name: read(name, value) for name, value in arguments.items()}))
            except TofuPilotError as error:
                answers.append(str(error))
    json.dump(answers, sys.stdout)


assert official_sdk.LOOPBACK in sys.argv[1]
main(*sys.argv[1:])
