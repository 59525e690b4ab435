"""Which items of a listing have been seen, so that `Paginator.since` can tell which are new."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from attrs import field, frozen

from ._arguments import aware, for_parameter
from ._digests import format_digests, read_digests, sealed, unsealed

if TYPE_CHECKING:
    from typing import Self

__all__ = ["OpenRun", "Watermark"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_FIRST = datetime.min.replace(tzinfo=UTC)
"""The first timestamp of all. A floor is later, because items are requested from a time before the floor."""

_SHOWN = 200
"""At most this many characters of a text that is not a watermark are shown."""

_SECONDS = r"-?\d{1,12}"
_FORMAT = re.compile(
    r"([a-z_]+)\.([\w-]{8}):"
    r"(-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"
    rf"((?:~{_SECONDS}\.[\w-]+)*)"
    rf"((?:![\w.~%-]+(?:@[\w.~%-]+)?={_SECONDS}\.[\w-]*)*)",
    re.ASCII,
)


@frozen
class OpenRun:
    """A run whose items were not all yielded yet, or were not all there yet."""

    id: str
    """ID of the run."""
    second: int
    """When it was created, in whole seconds since 1970 in UTC, rounded up."""
    yielded: tuple[bytes, ...] = ()
    """Digests of those of its items that were yielded."""
    procedure_id: str | None = None
    """ID of its procedure. None: the items of all runs can be requested together."""


def _whole_second(value: object) -> datetime | None:
    floor = aware("floor", value)
    if floor is None:
        return None
    if floor.microsecond:
        raise for_parameter(ValueError(f"floor must be a whole second, got {floor!r}"), "floor")
    if floor <= _FIRST:
        raise for_parameter(ValueError(f"floor must be later than {_FIRST}, got {floor!r}"), "floor")
    return floor.astimezone(UTC)


@frozen
class Watermark:
    """What has been seen of a listing. ``listing.since(watermark)`` of the same query yields the rest.

    Its string form, ``str(watermark)``, is fit for files, JSON and databases, and `Watermark.parse` reads it back. It
    has some 50 characters, and eight more for each item that is named in `seen` or by an open run. It ends with a
    checksum, so that a text that was cut short or changed is refused.
    """

    listing: str
    """The listing that it is of, such as ``runs``."""
    query: str
    """A digest of the listing's filters. Watermarks of other queries have another one."""
    floor: datetime | None = field(default=None, converter=_whole_second)
    """Everything that was created before this time has been seen; a whole second, in UTC. In a listing of what runs
    wrote, this is about the runs. None: only what `seen` names has been seen."""
    seen: tuple[tuple[int, tuple[bytes, ...]], ...] = ()
    """Digests of the other items that were seen, by the second in which they were created, counted since 1970 in
    UTC. Items that do not say when they were created have the second 0."""
    runs: tuple[OpenRun, ...] = ()
    """In a listing of what runs wrote: the runs whose items are to be requested again."""

    def __str__(self) -> str:
        floor, begin = "-", 0
        if self.floor is not None:
            floor, begin = f"{self.floor.replace(tzinfo=None).isoformat()}Z", _seconds(self.floor)
        seen = "".join(f"~{second - begin}.{format_digests(digests)}" for second, digests in self.seen)
        runs = "".join(f"!{_format_run(run)}={run.second - begin}.{format_digests(run.yielded)}" for run in self.runs)
        return sealed(f"{self.listing}.{self.query}:{floor}{seen}{runs}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the watermark in a text.

        Args:
            text: What ``str(watermark)`` returned.

        Raises:
            ValueError: The text is not a watermark, or it was cut short or changed.
        """
        match = _FORMAT.fullmatch(unsealed(text))
        if match is None:
            raise ValueError(f"not a watermark, or one that was cut short or changed: {_excerpt(text)}")
        listing, query, timestamp, seen, runs = match.groups()
        try:
            floor = None if timestamp == "-" else datetime.fromisoformat(timestamp)
            begin = 0 if floor is None else _seconds(floor)
            watermark = cls(
                listing,
                query,
                floor,
                tuple(_read_second(group, begin) for group in seen.split("~")[1:]),
                tuple(_read_run(group, begin) for group in runs.split("!")[1:]),
            )
        except ValueError as error:
            raise ValueError(f"not a watermark: {_excerpt(text)}") from error
        if str(watermark) != text:
            raise ValueError(f"not a watermark in its own format: {_excerpt(text)}")
        return watermark


def _seconds(timestamp: datetime) -> int:
    return (timestamp - _EPOCH) // _SECOND


def _read_second(group: str, begin: int) -> tuple[int, tuple[bytes, ...]]:
    second, _, digests = group.partition(".")
    return begin + int(second), read_digests(digests)


def _format_run(run: OpenRun) -> str:
    run_id = quote(run.id, safe="")
    return run_id if run.procedure_id is None else f"{run_id}@{quote(run.procedure_id, safe='')}"


def _read_run(group: str, begin: int) -> OpenRun:
    text, _, rest = group.partition("=")
    run_id, _, procedure_id = (unquote(part, errors="strict") for part in text.partition("@"))
    return OpenRun(run_id, *_read_second(rest, begin), procedure_id or None)


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
