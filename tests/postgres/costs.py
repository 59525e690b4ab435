"""What requests cost Postgres, as ``pg_stat_statements`` counts it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from attrs import define

if TYPE_CHECKING:
    from collections.abc import Generator

    from postgres.server import Server


@define
class Cost:
    """What the pages that were read in a block have cost."""

    blocks: int = 0
    """Blocks of tables and indexes that were looked at. It does not depend on the machine."""
    milliseconds: float = 0.0
    """Time of planning and of execution."""


@contextmanager
def measured(server: Server) -> Generator[Cost]:
    """Measure what the pages cost that are read in a block. The cost is there after it."""
    database = "(SELECT oid FROM pg_database WHERE datname = current_database())"
    server.connection.execute(f"SELECT pg_stat_statements_reset(0, {database}, 0)")
    cost = Cost()
    yield cost
    cost.blocks, cost.milliseconds = server.connection.execute(
        "SELECT sum(shared_blks_hit + shared_blks_read)::bigint, sum(total_plan_time + total_exec_time) "  # noqa: S608 - written here
        f"FROM pg_stat_statements WHERE dbid = {database} AND query LIKE 'SELECT %% OFFSET %%'"
    ).fetchone()
