"""`aiotofupilot.arrow` as type checkers see it: never run, only checked."""

from __future__ import annotations

from typing import assert_type

import pyarrow as pa

from aiotofupilot import Checkpoint, Run, TofuPilotSession, WalkStats, arrow


def a_model_has_a_schema() -> None:
    assert_type(arrow.schema(Run), pa.Schema)
    assert_type(arrow.record_batch([], Run), pa.RecordBatch)
    assert_type(arrow.schema(Run, flat=True), pa.Schema)
    assert_type(arrow.record_batch([], Run, flat=True), pa.RecordBatch)


async def a_listing_becomes_a_table(session: TofuPilotSession) -> None:
    assert_type(await arrow.table(session.runs.list(max_items=10)), pa.Table)
    assert_type(await arrow.table(session.runs.list().details(), flat=True), pa.Table)
    assert_type(arrow.batches(session.units.list().details(), rows=5, flat=True), arrow.RecordBatches)


async def waveforms_become_a_table(session: TofuPilotSession) -> None:
    assert_type(await arrow.series(session.runs.list()), pa.Table)
    assert_type(await arrow.series(session.runs.list().details(), columns=["value"]), pa.Table)
    assert_type(arrow.series_batches(session.runs.list(), rows=100), arrow.RecordBatches)
    await arrow.series(session.units.list())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def a_listing_is_streamed(session: TofuPilotSession) -> None:
    async with arrow.batches(session.runs.list(), rows=100) as batches:
        assert_type(batches, arrow.RecordBatches)
        assert_type(batches.schema, pa.Schema)
        async for batch in batches:
            assert_type(batch, pa.RecordBatch)
            assert_type(batches.checkpoint, Checkpoint)
            assert_type(batches.stats, WalkStats)
