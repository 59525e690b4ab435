"""The listing of procedures."""

from __future__ import annotations

from aiotofupilot.models import Procedure
from aiotofupilot.sandbox.parameters import Parameter, pages
from aiotofupilot.sandbox.resource import Resource, at_least, mentions, until

__all__ = ["PROCEDURES"]

PROCEDURES: Resource[Procedure] = Resource(
    name="procedures",
    model=Procedure,
    parameters=(
        *pages(safe=False),
        Parameter("search_query", "text", mentions("name", shortest=6, within=True), maximum=100),
        Parameter("created_after", "datetime", at_least("created_at")),
        Parameter("created_before", "datetime", until("created_at")),
    ),
)
