"""`aiotofupilot.mirror` as type checkers see it: never run, only checked."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import assert_type

from aiotofupilot import TofuPilotError, TofuPilotSession
from aiotofupilot.mirror import (
    DatabaseInUseError,
    Mirror,
    MirrorError,
    MirrorProgress,
    MirrorResult,
    StaleWatermarkError,
    mirror_blocking,
)


async def a_mirror_is_updated(session: TofuPilotSession) -> None:
    async with Mirror("line.duckdb", session=session, filters={"outcomes": ["FAIL"]}) as mirror:
        results = await mirror.update(again=timedelta(days=7))
        assert_type(results, tuple[MirrorResult, ...])
        assert_type((results[0].new, results[0].gone, results[0].rows), tuple[int, int, int])


def a_mirror_is_updated_without_a_loop() -> None:
    results = mirror_blocking(Path("line.duckdb"), listings=["runs"], full=True, session=TofuPilotSession("key"))
    assert_type(results, tuple[MirrorResult, ...])


def a_mirror_counts_its_rows(counted: list[MirrorProgress]) -> None:
    mirror_blocking("line.duckdb", on_progress=counted.append)


def its_errors_are_of_the_family() -> list[type[TofuPilotError]]:
    return [DatabaseInUseError, MirrorError, StaleWatermarkError]
