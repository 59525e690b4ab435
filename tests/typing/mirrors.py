"""`aiotofupilot.dlt` as type checkers see it: never run, only checked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import assert_type

from aiotofupilot import TofuPilotError
from aiotofupilot.dlt import MirrorError, MirrorResult, StaleWatermarkError, mirror


def a_mirror_is_iterated() -> None:
    assert_type(mirror("line.duckdb"), Iterator[MirrorResult])
    for brought in mirror(Path("line.duckdb"), listings=["runs"], full=True, concurrency=4):
        assert_type(brought.listing, str)
        assert_type((brought.new, brought.gone, brought.rows), tuple[int, int, int])


def a_mirror_counts_its_rows(counted: dict[str, int]) -> None:
    mirror("line.duckdb", on_rows=counted.__setitem__)


def its_errors_are_of_the_family() -> list[type[TofuPilotError]]:
    return [MirrorError, StaleWatermarkError]
