"""`aiotofupilot.mirror` as type checkers see it: never run, only checked."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_type

from aiotofupilot import TofuPilotError, TofuPilotSession
from aiotofupilot.mirror import DatabaseInUseError, Mirror, MirrorError, MirrorResult


async def a_mirror_is_updated(session: TofuPilotSession) -> None:
    async with Mirror("line.duckdb", session=session, filters={"outcomes": ["FAIL"]}) as mirror:
        results = await mirror.update(again=timedelta(days=7))
        assert_type(results, tuple[MirrorResult, ...])
        assert_type((results[0].new, results[0].gone, results[0].rows), tuple[int, int, int])


async def a_mirror_counts_its_rows(mirror: Mirror) -> None:
    def note(listing: str, rows: int) -> None:
        assert_type((listing, rows), tuple[str, int])

    await mirror.update(on_progress=note)


def its_errors_are_of_the_family() -> list[type[TofuPilotError]]:
    return [DatabaseInUseError, MirrorError]
