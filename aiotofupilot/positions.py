"""Positions in a listing, as values that are kept or sent elsewhere.

A `Checkpoint` says where a walk is, a `Watermark` says what has been seen, and a `Shard` is a part of a listing. Each
has a string form, which ends with a checksum and names items by digests of their IDs.
"""

from __future__ import annotations

import hashlib
import re
from abc import abstractmethod
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import crc32
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Generic, Self, TypeVar
from urllib.parse import parse_qsl, quote, unquote, urlencode

from attrs import field, frozen

from ._checks import LARGEST, aware, for_parameter, integer, must_be

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Checkpoint", "OpenRun", "Shard", "Watermark"]

T = TypeVar("T")
"""The class of an item."""

_DIGEST_SIZE = 6
"""Bytes in the digest of an ID. Among the thousands that a resumed walk compares, two agree by a chance of one in
10 ** 9."""

_DIGEST = r"[\w-]{8}"
_SEAL = r":[\w-]{6}"
_QUERY = rf"([a-z_]+)\.({_DIGEST}):"
"""The name of a listing, and a digest of its filters."""

_SECONDS = r"-?\d{1,12}"
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?Z"

_SHELL_TIME = r"\d{8}T\d{6}(?:\.\d{6})?Z"
"""The basic format of ISO 8601, which needs no quotes in a shell."""


_OPEN = ".."
"""The text of ISO 8601-2 for an open end."""

_FIRST = datetime.min.replace(tzinfo=UTC)
"""The first possible timestamp. A floor has to be later, because items from before the floor are requested too."""

_SHOWN = 200
"""An error shows at most this many characters of an invalid text."""


def digest(text: str) -> bytes:
    """Return the digest of an item's ID, or of a query."""
    return hashlib.blake2b(text.encode(), digest_size=_DIGEST_SIZE).digest()


def sealed(text: str) -> str:
    """Append a checksum to a text. A change of any character changes it."""
    checksum = crc32(text.encode(errors="surrogatepass")).to_bytes(4)
    return f"{text}:{urlsafe_b64encode(checksum).decode().rstrip('=')}"


def _format_digests(digests: Iterable[bytes]) -> str:
    return urlsafe_b64encode(b"".join(digests)).decode()  # six bytes are eight characters: there is no padding


def _read_digests(text: str | None) -> tuple[bytes, ...]:
    return tuple(cut_into_digests(urlsafe_b64decode(text or "")))


def cut_into_digests(joined: bytes | bytearray) -> Iterator[bytes]:
    """Yield the digests of a concatenation."""
    return (bytes(joined[at : at + _DIGEST_SIZE]) for at in range(0, len(joined), _DIGEST_SIZE))


class Parsable:
    """A value that can be read back from its string form."""

    __slots__ = ()
    _form: ClassVar[re.Pattern[str]]
    """A pattern of the string form. A text that matches it can still be invalid."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the value with this string form.

        Args:
            text: The result of ``str(value)``. A checkpoint can also be the digits of a cursor.

        Raises:
            ValueError: The text is not the string form of such a value, or was cut short or changed.
        """
        cause = None
        try:
            match = cls._form.fullmatch(text)
            if match is not None and str(value := cls._of(match)) == text:
                return value
        except ValueError as error:
            cause = error
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
        message = f"not a {cls.__name__.lower()}, or one that was cut short or changed: {shown!r}"
        raise ValueError(message) from cause

    @classmethod
    @abstractmethod
    def _of(cls, match: re.Match[str]) -> Self:
        """Return the value of a match. The text may still be invalid."""


def _cursor(value: int) -> int:
    return integer("cursor", value, low=0, high=LARGEST)


def _skip(value: int) -> int:
    return integer("skip", value, low=0, high=LARGEST)


def _in_utc(name: str, value: object) -> datetime | None:
    given = aware(name, value)
    return None if given is None else given.astimezone(UTC)


def _value(value: object) -> datetime | None:
    return _in_utc("value", value)


@frozen
class Checkpoint(Parsable):
    """Where a walk is. ``list(cursor=checkpoint)`` of the same query resumes after the last item yielded.

    ``str(checkpoint)`` is fit for files, JSON and command lines, and `Checkpoint.parse` reads it back. A checkpoint
    that names its `listing` has a checksum, which reveals a text that was cut short or changed. Two checkpoints of the
    same position are equal, even in different listings.
    """

    _form = re.compile(
        rf"(?:{_QUERY})?(\d{{1,16}})(?:\+(\d{{1,16}}))?(?:@({_SHELL_TIME})?~((?:{_DIGEST})*))?(?:{_SEAL})?", re.ASCII
    )

    cursor: int = field(default=0, converter=_cursor)
    """The cursor of the page to request, in the server's counting; from 0 to 2 ** 53 - 1. The cursor is only
    approximate if `value` or `seen` is set."""
    skip: int = field(default=0, converter=_skip)
    """How many items of the page at `cursor` were already yielded; from 0 to 2 ** 53 - 1."""
    value: datetime | None = field(default=None, converter=_value)
    """The time of the item yielded last, by which the server sorts. For an item without a time, it is `datetime.max`
    or `datetime.min` in UTC, depending on where the server lists such items. None if the order has no time, or the
    walk followed the cursor."""
    seen: tuple[bytes, ...] = ()
    """Digests of the IDs of the yielded items with that time. If the order has no time, digests of all yielded items,
    in their order."""
    listing: str = field(default="", eq=False)
    """The listing of this position, such as ``procedures``. Empty if it fits any listing, as a plain cursor does."""
    query: str = field(default="", eq=False)
    """A digest of the listing's filters and order."""

    @property
    def place(self) -> str:
        """The string form without `listing` and `query`."""
        text = f"{self.cursor}+{self.skip}" if self.skip else f"{self.cursor}"
        if self.value is not None or self.seen:
            time = "" if self.value is None else re.sub("[-:]", "", _format_time(self.value))
            text += f"@{time}~{_format_digests(self.seen)}"
        return text

    def __str__(self) -> str:
        return sealed(f"{self.listing}.{self.query}:{self.place}") if self.listing else self.place

    @classmethod
    def _of(cls, match: re.Match[str]) -> Self:
        listing, query, cursor, skip, value, seen = match.groups()
        time = None if value is None else datetime.fromisoformat(value)
        return cls(int(cursor), int(skip or 0), time, _read_digests(seen), listing or "", query or "")


@frozen
class OpenRun:
    """A run that may have more items to yield."""

    id: str
    """ID of the run."""
    second: int
    """When it was created, in whole seconds since 1970 in UTC, rounded up."""
    yielded: tuple[bytes, ...] = ()
    """Digests of its items that were yielded."""
    procedure_id: str | None = None
    """ID of its procedure. None if the items of all runs can be requested together."""


def _whole_second(value: object) -> datetime | None:
    floor = aware("floor", value)
    if floor is None:
        return None
    if floor.microsecond:
        raise must_be(ValueError, "floor", "a whole second", floor)
    if floor <= _FIRST:
        raise must_be(ValueError, "floor", f"later than {_FIRST}", floor)
    return floor.astimezone(UTC)


def _latest(value: object) -> datetime | None:
    return _in_utc("latest", value)


def _latest_at(value: object) -> datetime | None:
    return _in_utc("latest_at", value)


@frozen
class Watermark(Parsable):
    """The part of a listing that has been seen. ``listing.since(watermark)`` of the same query yields the rest.

    ``str(watermark)`` is fit for files, JSON and databases, and `Watermark.parse` reads it back. It has about 100
    characters, and up to 20 more for each item named in `seen` or by an open run. A checksum reveals a text that was
    cut short or changed.

    Raises:
        TypeError: An argument that has to be a datetime or None is neither.
        ValueError: A time is naive, the floor is not a whole second, or only one of `latest` and `latest_at` is given.
    """

    _form = re.compile(
        rf"{_QUERY}(-|{_TIME})/(?:-|({_TIME})@({_TIME}))"
        rf"((?:\+{_SECONDS}\.(?:{_DIGEST})+)*)"
        rf"((?:![\w.~%-]+(?:@[\w.~%-]+)?={_SECONDS}\.(?:{_DIGEST})*)*){_SEAL}",
        re.ASCII,
    )

    listing: str
    """The name of the listing, such as ``runs``."""
    query: str
    """A digest of the listing's filters."""
    floor: datetime | None = field(default=None, converter=_whole_second)
    """Everything created before this time has been seen; a whole second, in UTC. In a listing of what runs wrote, the
    creation of the runs counts. None if only the items in `seen` have been seen."""
    seen: tuple[tuple[int, tuple[bytes, ...]], ...] = ()
    """Digests of the other items that were seen, by the second of their creation, counted since 1970 in UTC. Items
    without a time of creation have the second 0."""
    runs: tuple[OpenRun, ...] = ()
    """In a listing of what runs wrote: the runs whose items are to be requested again."""
    latest: datetime | None = field(default=None, converter=_latest)
    """The latest known time of the clock that dates the items: when the newest item seen was created, or later. In a
    listing of what runs wrote, the creation of the runs counts. None if unknown."""
    latest_at: datetime | None = field(default=None, converter=_latest_at)
    """The server's time when that clock showed `latest`, to a second or two. None if `latest` is None."""

    def __attrs_post_init__(self) -> None:
        if (self.latest is None) is not (self.latest_at is None):
            raise must_be(ValueError, "latest_at", "given together with latest", self.latest_at)

    def __str__(self) -> str:
        floor = "-" if self.floor is None else _format_time(self.floor)
        latest = "-"
        if self.latest is not None and self.latest_at is not None:
            latest = f"{_format_time(self.latest)}@{_format_time(self.latest_at)}"
        seen = "".join(f"+{second}.{_format_digests(digests)}" for second, digests in self.seen)
        runs = ""
        for run in self.runs:
            of = "" if run.procedure_id is None else f"@{quote(run.procedure_id, safe='')}"
            runs += f"!{quote(run.id, safe='')}{of}={run.second}.{_format_digests(run.yielded)}"
        return sealed(f"{self.listing}.{self.query}:{floor}/{latest}{seen}{runs}")

    @classmethod
    def _of(cls, match: re.Match[str]) -> Self:
        listing, query, timestamp, *ends, seen, runs = match.groups()
        floor = None if timestamp == "-" else datetime.fromisoformat(timestamp)
        latest, latest_at = (None if end is None else datetime.fromisoformat(end) for end in ends)
        groups = tuple(map(_read_second, seen.split("+")[1:]))
        return cls(listing, query, floor, groups, tuple(map(_read_run, runs.split("!")[1:])), latest, latest_at)


def _format_time(time: datetime) -> str:
    return f"{time.replace(tzinfo=None).isoformat()}Z"


def _read_second(group: str) -> tuple[int, tuple[bytes, ...]]:
    second, _, digests = group.partition(".")
    return int(second), _read_digests(digests)


def _read_run(group: str) -> OpenRun:
    text, _, rest = group.partition("=")
    run_id, _, procedure_id = (unquote(part, errors="strict") for part in text.partition("@"))
    return OpenRun(run_id, *_read_second(rest), procedure_id or None)


def check_query(parameter: str, given: Checkpoint | Watermark, listing: str, query: str) -> None:
    """Refuse a position in another listing or query."""
    kind = type(given).__name__.lower()
    if given.listing != listing:
        message = f"{parameter} is a {kind} of {given.listing}, and not of {listing}"
        raise for_parameter(ValueError(message), parameter)
    if given.query != query:
        message = f"{parameter} is a {kind} of {listing} with other filters or another order"
        raise for_parameter(ValueError(f"{message} (query {given.query}, and not {query})"), parameter)


def _query(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in pairs)


@frozen(kw_only=True)
class Shard(Parsable, Generic[T]):
    """A part of a listing: the items whose timestamp is at or after `start`, and before `end`. It holds no key.

    ``listing.shards(n)`` makes shards, which together hold every item of the listing once. ``session.list(shard)``
    lists one. A shard can be pickled. ``str(shard)`` is fit for files, JSON and command lines, and `Shard.parse` reads
    it back. A checksum reveals a text that was cut short or changed.

    Raises:
        TypeError: A timestamp is neither a datetime nor None.
        ValueError: A timestamp is naive, or `start` is not before `end`.
    """

    _form = re.compile(rf"([a-z_]+):([^/?]+)/([^/?]+)\?(.*){_SEAL}", re.ASCII)

    listing: str
    """The name of the listing, such as ``runs``."""
    query: tuple[tuple[str, str], ...] = field(default=(), converter=_query)
    """The filters and the order of the listing, as in the query of a request."""
    start: datetime | None = None
    """The earliest time of an item; timezone-aware, or None for no bound."""
    end: datetime | None = None
    """All items are before this time; timezone-aware. None for no bound, so that new items belong to this shard."""

    def __attrs_post_init__(self) -> None:
        start, end = aware("start", self.start), aware("end", self.end)
        if start is not None and end is not None and start >= end:
            raise for_parameter(ValueError(f"start must be before end, got {start} and {end}"), "start")

    def __str__(self) -> str:
        start, end = (_OPEN if timestamp is None else timestamp.isoformat() for timestamp in (self.start, self.end))
        return sealed(f"{self.listing}:{start}/{end}?{urlencode(self.query)}")

    @classmethod
    def _of(cls, match: re.Match[str]) -> Self:
        listing, *ends, query = match.groups()
        start, end = (None if text == _OPEN else datetime.fromisoformat(text) for text in ends)
        return cls(listing=listing, query=parse_qsl(query, keep_blank_values=True), start=start, end=end)

    def holds(self, timestamp: datetime | None) -> bool:
        """Return whether an item with a timestamp belongs to this shard.

        Args:
            timestamp: The timestamp of the item; timezone-aware. If it is None, the item belongs to the shard without
                a start.
        """
        if timestamp is None:
            return self.start is None
        return (self.start is None or self.start <= timestamp) and (self.end is None or timestamp < self.end)
