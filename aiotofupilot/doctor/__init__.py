"""Looks at how a server lists in at most 40 requests, and says what this means for the package.

    async with TofuPilotSession() as session:
        diagnosis = await diagnose(session)
    print(diagnosis.findings)

- `looks` makes the requests and draws the conclusions. `reads` paces them.
- `facts` has the result, which holds no text of the server.
"""

from .facts import Diagnosis, ListingFacts
from .looks import diagnose
from .reads import READS_AT_MOST as READS_AT_MOST

__all__ = ["Diagnosis", "ListingFacts", "diagnose"]
