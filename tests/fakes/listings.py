"""The listings of this client, for tests of all of them."""

from datetime import UTC, datetime

from multidict import CIMultiDict

from aiotofupilot._listings.batches import Batches
from aiotofupilot._listings.deployments import Deployments
from aiotofupilot._listings.logs import Logs
from aiotofupilot._listings.measurements import Measurements
from aiotofupilot._listings.parts import Parts
from aiotofupilot._listings.phases import Phases
from aiotofupilot._listings.procedures import Procedures
from aiotofupilot._listings.runs import Runs
from aiotofupilot._listings.stations import Stations
from aiotofupilot._listings.units import Units
from aiotofupilot._wire.response import Response

LISTINGS = {
    "procedures": Procedures,
    "runs": Runs,
    "units": Units,
    "parts": Parts,
    "batches": Batches,
    "stations": Stations,
    "deployments": Deployments,
    "logs": Logs,
    "measurements": Measurements,
    "phases": Phases,
}
OPTIONS = ("limit", "cursor", "max_items", "concurrency", "on_drift", "on_unreadable")
"""The arguments that every listing takes."""


def required(name, procedure_id="p"):
    """Return the arguments without which a listing cannot be called."""
    return {"procedure_id": procedure_id} if name in {"measurements", "phases"} else {}


class Connection:
    """Answers each request with the same body, an empty page by default, and remembers what was asked for."""

    concurrency = 1

    def __init__(self, body=b'{"data":[],"meta":{"has_more":false}}'):
        self.body = body
        self.targets = []

    async def get(self, target, read, counts, *, once=False):
        self.targets.append(target)
        return read(Response(200, CIMultiDict(), self.body, datetime(2026, 2, 1, tzinfo=UTC)))
