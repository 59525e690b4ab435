"""The listings of this client, for tests of all of them."""

from datetime import UTC, datetime

from multidict import CIMultiDict

from aiotofupilot._wire.response import Response
from aiotofupilot.listings import NAMES, listing_class

LISTINGS = {name: listing_class(name) for name in NAMES if name != "users"}
"""The class of each listing with filters and pages. Users have neither."""

OPTIONS = ("limit", "cursor", "max_items", "concurrency", "on_drift", "extra_query", "on_unreadable")
"""The arguments that every listing with pages takes."""

PAGED = frozenset({"limit", "concurrency", "on_unreadable"})
"""The options about pages."""


def required(name, procedure_id="p"):
    """Return the arguments without which a listing cannot be called."""
    return {"procedure_id": procedure_id} if name in {"measurements", "phases"} else {}


def offered(name, **options):
    """Return those of some options that a listing has. Users have none about pages."""
    return {option: value for option, value in options.items() if name != "users" or option not in PAGED}


class Connection:
    """Answers each request with the same body, an empty page by default, and remembers what was asked for."""

    def __init__(self, body=b'{"data":[],"meta":{"has_more":false}}', concurrency=1):
        self.body, self.concurrency = body, concurrency
        self.targets = []
        self.served = set()

    async def get(self, target, read, counts, *, once=False, **_):
        self.targets.append(target)
        return read(Response(200, CIMultiDict(), self.body, datetime(2026, 2, 1, tzinfo=UTC)))
