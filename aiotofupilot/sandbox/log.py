"""What the sandbox was asked, and what it said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["Request", "RequestLog"]


@frozen(kw_only=True)
class Request:
    """One request and its answer."""

    time: datetime = field(repr=False)
    """When it arrived; UTC."""
    method: str = "GET"
    """HTTP method."""
    path: str
    """Path without query, such as ``/api/v2/procedures``."""
    query: Mapping[str, str]
    """Query parameters, decoded."""
    authorization: str | None = field(repr=False)
    """The header of that name; None: there was none."""
    status: int
    """HTTP status code of the answer."""


class RequestLog(list[Request]):
    """Requests in the order of their arrival."""

    @property
    def cursors(self) -> list[str | None]:
        """The cursors asked for; None where a request had none."""
        return [request.query.get("cursor") for request in self]

    def __repr__(self) -> str:
        lines = "".join(f"\n  {request}," for request in self)
        return f"<{len(self)} requests{lines}>"
