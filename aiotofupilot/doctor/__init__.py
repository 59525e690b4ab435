"""Looks at how a server lists, in at most 40 requests, and says what follows for this package.

    async with TofuPilotSession() as session:
        diagnosis = await diagnose(session)
    print(diagnosis.findings)

- `looks` says what is requested and why, and what follows. `reads` says when.
- `facts` are what comes back. It has no text of the server.
"""

from .facts import Diagnosis, ListingFacts
from .looks import diagnose
from .reads import READS_AT_MOST as READS_AT_MOST

__all__ = ["Diagnosis", "ListingFacts", "diagnose"]
