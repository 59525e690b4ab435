"""The request of a client: method, path, query and key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlencode

from attrs import Factory, define, field, setters

if TYPE_CHECKING:
    from aiotofupilot.models import Page

__all__ = ["Pairs", "Query", "Question"]

Pairs = Mapping[str, str] | Iterable[tuple[str, str]]
"""Query parameters, decoded: a mapping with one value for each name, or pairs in which names may repeat."""

_READABLE = "/%:@!$&'()*+,;="
"""Characters that need no encoding in a path, in addition to letters, digits and ``-._~`` (RFC 3986, section 3.3)."""


class Query(Mapping[str, str]):
    """Query parameters, decoded, in the order in which they were sent.

    As a mapping, a query gives the first value of each name. It equals a dict with the same names and first values.

    Args:
        pairs: The parameters; a mapping, or pairs in which names may repeat.
    """

    __slots__ = ("pairs",)

    def __init__(self, pairs: Pairs = ()) -> None:
        if isinstance(pairs, Query):
            pairs = pairs.pairs
        elif isinstance(pairs, Mapping):
            pairs = cast("Mapping[str, str]", pairs).items()
        self.pairs: tuple[tuple[str, str], ...] = tuple(pairs)
        """All names with their values, including repeated names."""

    def all(self, name: str) -> list[str]:
        """Return every value of one parameter, in order; empty: it was not sent.

        Args:
            name: The name of the parameter.
        """
        return [value for sent, value in self.pairs if sent == name]

    def __getitem__(self, name: str) -> str:
        for sent, value in self.pairs:
            if sent == name:
                return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self.pairs))

    def __len__(self) -> int:
        return len(dict(self.pairs))

    def __repr__(self) -> str:
        return f"Query({list(self.pairs)})"


@define(kw_only=True, eq=False, repr=False, on_setattr=setters.NO_OP)
class Question:
    """One request, as it arrived."""

    method: str = "GET"
    """HTTP method."""
    path: str = "/api/v2/procedures"
    """The path without the query, as it was sent. Percent-encoded characters stay encoded."""
    query: Query = field(factory=Query, converter=Query)
    """Query parameters, decoded."""
    authorization: str | None = None
    """The header ``Authorization``; None: there was none."""
    head_size: int = 0
    """Bytes of the request line and the headers; 0: it is not known, because the request came without a network."""
    time: datetime = Factory(lambda: datetime.now(UTC))
    """When it arrived; UTC."""
    attempt: int = 1
    """How often the same request has come since it last got the right answer, including this time."""
    asked: int = 1
    """How often the same request has come in all, including this time."""
    page: Page[Any] | None = None
    """The page that the API answers, before a fault alters it; None: the API answers with an error, or has not answered
    yet."""

    @property
    def target(self) -> str:
        """Path and query, encoded."""
        return quote(self.path, safe=_READABLE) + (f"?{urlencode(self.query.pairs)}" if self.query.pairs else "")
