"""Clients that make a table, a file, or a database. Each does so in the way that its documentation suggests.

Each yields a number for each row after it has made the table or the file. So a worker counts rows as it counts items.
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from .kinds import KEY, LIMIT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .kinds import Kind, Listing

__all__ = ["dlt_database", "official_frame", "ours_mirror", "ours_parquet", "ours_table"]


@asynccontextmanager
async def official_frame(url: str, kind: Kind) -> AsyncIterator[Listing]:
    """The official SDK in the obvious loop, and pandas' own way to flatten the items."""
    os.environ["DISABLE_TELEMETRY"] = "true"
    import pandas as pd
    from tofupilot.v2 import TofuPilot

    async def listing() -> AsyncIterator[object]:
        items, cursor = [], 0
        while True:
            page = await list_async(limit=LIMIT, cursor=cursor, **kind.options)
            items += page.data
            if not page.meta.has_more:
                break
            cursor = page.meta.next_cursor
        frame = pd.json_normalize([item.model_dump() for item in items])
        for row in range(len(frame)):
            yield row

    async with TofuPilot(api_key=KEY, server_url=url) as client:
        list_async = getattr(client, kind.listing).list_async
        yield listing


@asynccontextmanager
async def ours_table(url: str, kind: Kind) -> AsyncIterator[Listing]:
    """aiotofupilot, into one Arrow table."""
    from aiotofupilot import TofuPilotSession, arrow

    async def listing() -> AsyncIterator[object]:
        table = await arrow.table(getattr(session, kind.listing).list(limit=LIMIT, **kind.options))
        for row in range(table.num_rows):
            yield row

    async with TofuPilotSession(KEY, base_url=url) as session:
        yield listing


@asynccontextmanager
async def ours_parquet(url: str, kind: Kind) -> AsyncIterator[Listing]:
    """aiotofupilot, into a Parquet file, batch by batch."""
    from pyarrow import parquet

    from aiotofupilot import TofuPilotSession, arrow

    async def listing() -> AsyncIterator[object]:
        listed = getattr(session, kind.listing).list(limit=LIMIT, **kind.options)
        with TemporaryDirectory() as folder:
            async with arrow.batches(listed) as batches:
                with parquet.ParquetWriter(Path(folder, "listing.parquet"), batches.schema) as writer:
                    async for batch in batches:
                        writer.write_batch(batch)
            rows = parquet.read_metadata(Path(folder, "listing.parquet")).num_rows
        for row in range(rows):
            yield row

    async with TofuPilotSession(KEY, base_url=url) as session:
        yield listing


@asynccontextmanager
async def ours_mirror(url: str, kind: Kind) -> AsyncIterator[Listing]:
    """aiotofupilot, into a new DuckDB database."""
    from aiotofupilot import TofuPilotSession
    from aiotofupilot.mirror import Mirror

    async def listing() -> AsyncIterator[object]:
        with TemporaryDirectory() as folder:
            mirror = Mirror(Path(folder, "line.duckdb"), session=session, listings=[kind.listing])
            (result,) = await mirror.update()
        for row in range(result.rows):
            yield row

    async with TofuPilotSession(KEY, base_url=url) as session:
        yield listing


@asynccontextmanager
async def dlt_database(url: str, kind: Kind) -> AsyncIterator[Listing]:
    """Dlt's own source for REST APIs, into a new DuckDB database. It blocks."""
    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL"}
    import dlt
    import duckdb
    from dlt.sources.rest_api import rest_api_source

    async def listing() -> AsyncIterator[object]:
        with TemporaryDirectory() as folder:
            pages = {"type": "cursor", "cursor_path": "meta.next_cursor", "cursor_param": "cursor"}
            endpoint = {
                "path": kind.path.removeprefix("/"),
                "params": {"limit": LIMIT, **kind.query},
                "data_selector": "data",
                "paginator": pages,
            }
            source = rest_api_source(
                {
                    "client": {"base_url": url, "auth": {"type": "bearer", "token": KEY}},
                    "resources": [
                        {
                            "name": kind.listing,
                            "primary_key": "id",
                            "write_disposition": "merge",
                            "endpoint": endpoint,
                        }
                    ],
                }
            )
            path = Path(folder, "line.duckdb")
            pipeline = dlt.pipeline(
                "line",
                pipelines_dir=str(Path(folder, "pipelines")),
                destination=dlt.destinations.duckdb(str(path)),
                dataset_name="rows",
            )
            pipeline.run(source)
            pipeline.deactivate()
            with duckdb.connect(path) as connection:
                ((rows,),) = connection.execute(f"SELECT count(*) FROM rows.{kind.listing}").fetchall()  # noqa: S608 - a listing's name
        for row in range(rows):
            yield row

    yield listing
