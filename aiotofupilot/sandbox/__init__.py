"""An embedded TofuPilot, with data of its own, for tests, demonstrations and benchmarks.

`Listing` answers requests as TofuPilot's REST layer does: a call, with no socket and no event loop.
"""

from aiotofupilot.sandbox.data import make_procedures
from aiotofupilot.sandbox.listing import Listing
from aiotofupilot.sandbox.wire import Answer

__all__ = ["Answer", "Listing", "make_procedures"]
