"""The listing of procedures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiotofupilot.sandbox.parameters import pages
from aiotofupilot.sandbox.resource import Resource, at_least, mentions, until

if TYPE_CHECKING:
    from aiotofupilot.models import Procedure

__all__ = ["PROCEDURES"]

PROCEDURES: Resource[Procedure] = Resource(
    name="procedures",
    filters={
        "limit": None,
        "search_query": mentions("name", shortest=6, within=True),
        "created_after": at_least("created_at"),
        "created_before": until("created_at"),
    },
    pages=pages(safe=False),
)
