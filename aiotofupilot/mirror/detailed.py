"""What the mirror keeps of the details of runs: their waveforms and attachments, as rows of separate tables."""

from __future__ import annotations

from array import array
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
from attrs import define, evolve, field

from aiotofupilot.arrow.columns import RULES, Column, nested_columns
from aiotofupilot.arrow.rows import Rows
from aiotofupilot.arrow.waveforms import Waveform, waveforms
from aiotofupilot.models import DataSeries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aiotofupilot.models import Attachment, RunDetails

DATA = "data"
"""The column of the rows of series that has their points. In the database, it is a separate table."""

_POINTS = 250_000
"""Points that are made into rows together. As floats of Python they take 32 bytes each."""

_ROWS = 1_000
"""Series and attachments that are made into rows together."""


class _Attached(NamedTuple):
    """A file of a run. The address where anybody can download it is not kept."""

    run: RunDetails
    attachment: Attachment


def _column(name: str, path: str, kind: Any = str, of: Callable[[Any], object] | None = None) -> Column:  # noqa: ANN401 - a type
    """Return a column of the values at a path, or of what a function makes of each of them."""
    arrow, build = RULES[kind]

    def build_of(values: Sequence[Any]) -> pa.Array[Any]:
        return build(list(map(of, values)) if of else values)

    return Column(tuple(path.split(".")) if path else (), pa.field(name, arrow), build_of)


def _key(waveform: Waveform) -> str:
    """Return an ID for a series. The API gives it none."""
    return f"{waveform.measurement.id}:{waveform.number}"


def _digest(data: tuple[float, ...]) -> str:
    return blake2b(array("d", data), digest_size=16).hexdigest()


DETAILED: Mapping[str, Rows] = {
    "series": Rows(
        [
            _column("id", "", of=_key),
            _column("run_id", "run.id"),
            _column("phase_name", "phase.name"),
            _column("retry_count", "phase.retry_count", int),
            _column("measurement_id", "measurement.id"),
            _column("measurement_name", "measurement.name"),
            _column("series", "number", int),
            _column("series_name", "series.name"),
            _column("description", "series.description"),
            _column("units", "series.units"),
            _column("length", "series.data", int, len),
            _column("digest", "series.data", of=_digest),
            *(evolve(each, path=("series", DATA)) for each in nested_columns(DataSeries) if each.name == DATA),
        ]
    ),
    "attachments": Rows(
        [
            _column("id", "attachment.id"),
            _column("run_id", "run.id"),
            _column("name", "attachment.name"),
            _column("size", "attachment.size", float),
            _column("content_type", "attachment.content_type"),
            _column("is_report", "attachment.is_report", bool),
        ]
    ),
}
"""The tables of details, and how waveforms and attachments become their rows."""


def _no_items() -> dict[str, dict[str, Any]]:
    return {name: {} for name in DETAILED}


@define
class DetailRows:
    """Details of runs that are not rows yet. If a server repeats an ID, the last one counts."""

    _items: dict[str, dict[str, Any]] = field(factory=_no_items)
    _points: int = 0

    def add(self, run: RunDetails) -> None:
        """Add what is kept of a run."""
        self._items["attachments"] |= {each.id: _Attached(run, each) for each in run.attachments}
        for waveform in waveforms(run):
            self._items["series"][_key(waveform)] = waveform
            self._points += len(waveform.series.data)

    @property
    def is_enough(self) -> bool:
        """Whether these are enough to be made into rows."""
        return self._points >= _POINTS or sum(map(len, self._items.values())) >= _ROWS

    def take(self) -> dict[str, pa.RecordBatch]:
        """Return the rows of each table that has any, and forget the details, which take more memory."""
        items, self._items, self._points = self._items, _no_items(), 0
        return {name: DETAILED[name].batch([*each.values()]) for name, each in items.items() if each}
