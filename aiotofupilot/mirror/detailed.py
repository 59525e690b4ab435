"""What the mirror keeps of the details of runs: their waveforms and attachments, as rows of separate tables."""

from __future__ import annotations

from array import array
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from attrs import define, field, frozen, resolve_types

from aiotofupilot.arrow.columns import points
from aiotofupilot.arrow.flat import database_rows
from aiotofupilot.arrow.waveforms import Waveform, waveforms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiotofupilot import Attachment, RunDetails

__all__ = ["DATA", "DETAILED", "DetailRows"]

DATA = "data"
"""The column of the rows of series that has their points. In the database, it is a separate table."""

_POINTS = 250_000
"""Points that are made into rows together. As floats of Python they take 32 bytes each."""

_ROWS = 1_000
"""Series and attachments that are made into rows together."""

_arrow: Any = pa  # the stubs do not know all arguments of the constructors


@resolve_types
@frozen(kw_only=True)
class _Series:
    """A waveform of a run."""

    id: str
    run_id: str
    phase_name: str
    retry_count: int
    measurement_id: str
    measurement_name: str
    series: int
    series_name: str | None
    description: str | None
    units: str | None
    length: int
    digest: str


@resolve_types
@frozen(kw_only=True)
class _Attachment:
    """A file of a run, without the address where anybody can download it."""

    id: str
    run_id: str
    name: str
    size: int | float | None
    content_type: str | None
    is_report: bool


DETAILED: Mapping[str, type] = {"series": _Series, "attachments": _Attachment}
"""The tables of details, and what their rows are made of."""


@define
class DetailRows:
    """Details of runs that are not rows yet. If a server repeats an ID, the last one counts."""

    _series: dict[str, Waveform] = field(factory=dict[str, Waveform])
    _attachments: dict[str, tuple[RunDetails, Attachment]] = field(factory=dict[str, "tuple[RunDetails, Attachment]"])
    _points: int = 0

    def add(self, run: RunDetails) -> None:
        """Add what is kept of a run."""
        self._attachments |= {attachment.id: (run, attachment) for attachment in run.attachments}
        for waveform in waveforms(run):
            self._series[_key(waveform)] = waveform
            self._points += len(waveform.series.data)

    @property
    def is_enough(self) -> bool:
        """Whether these are enough to be made into rows."""
        return self._points >= _POINTS or len(self._series) + len(self._attachments) >= _ROWS

    def batches(self) -> dict[str, pa.RecordBatch]:
        """Return the rows of each table that has any."""
        made: dict[str, pa.RecordBatch] = {}
        if self._series:
            rows: Any = database_rows(_Series).batch(list(map(_series, self._series.values())))
            made["series"] = rows.append_column(DATA, _lists([each.series.data for each in self._series.values()]))
        if self._attachments:
            made["attachments"] = database_rows(_Attachment).batch(
                [_attachment(*each) for each in self._attachments.values()]
            )
        return made


def _key(waveform: Waveform) -> str:
    """Return an ID for a series. The API gives it none."""
    return f"{waveform.measurement.id}:{waveform.number}"


def _series(waveform: Waveform) -> _Series:
    series = waveform.series
    return _Series(
        id=_key(waveform),
        run_id=waveform.run.id,
        phase_name=waveform.phase.name,
        retry_count=waveform.phase.retry_count,
        measurement_id=waveform.measurement.id,
        measurement_name=waveform.measurement.name,
        series=waveform.number,
        series_name=series.name,
        description=series.description,
        units=series.units,
        length=len(series.data),
        digest=blake2b(array("d", series.data), digest_size=16).hexdigest(),
    )


def _attachment(run: RunDetails, attachment: Attachment) -> _Attachment:
    return _Attachment(
        id=attachment.id,
        run_id=run.id,
        name=attachment.name,
        size=attachment.size,
        content_type=attachment.content_type,
        is_report=attachment.is_report,
    )


def _lists(series: list[tuple[float, ...]]) -> pa.Array[Any]:
    offsets = array("i", [0])
    for data in series:
        offsets.append(offsets[-1] + len(data))
    lists: pa.Array[Any] = _arrow.ListArray.from_arrays(pa.array(offsets, pa.int32()), points(series))
    return lists
