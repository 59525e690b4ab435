"""The clients. Each lists everything, or makes a table, a file or a database of it, as its own documentation suggests.

Who makes a table yields a number for each row afterwards. So a worker counts rows as it counts items.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from attrs import frozen

from .scenario import KEY, LIMIT, Listing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from .scenario import Kind

__all__ = ["CONTENDERS", "Candidate", "Contender"]


@asynccontextmanager
async def bare(url: str, kind: Kind) -> AsyncIterator[Listing]:
    """The floor: aiohttp and orjson, dicts, no checks, no retries."""
    import aiohttp
    import orjson

    async def listing() -> AsyncIterator[object]:
        cursor = 0
        while True:
            async with session.get(target, params=query | {"cursor": cursor}) as response:
                response.raise_for_status()
                page = orjson.loads(await response.read())
            for item in page["data"]:
                yield item
            if not page["meta"]["has_more"]:
                return
            cursor = page["meta"]["next_cursor"]

    target, query = f"{url}{kind.path}", kind.query
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as session:
        yield listing


@asynccontextmanager
async def bare_by_value(url: str, kind: Kind) -> AsyncIterator[Listing]:
    """The same, each page at cursor 0 from the time of the last item on. It fails where a page has one time."""
    from datetime import datetime, timedelta

    import aiohttp
    import orjson

    async def listing() -> AsyncIterator[object]:
        until: dict[str, str] = {}
        known: set[str] = set()
        while True:
            async with session.get(target, params=query | until) as response:
                response.raise_for_status()
                page = orjson.loads(await response.read())
            for item in page["data"]:
                if item["id"] not in known:
                    yield item
            if not page["meta"]["has_more"]:
                return
            last = datetime.fromisoformat(page["data"][-1]["started_at"]) + timedelta(milliseconds=1)
            until, known = {"started_before": last.isoformat()}, {item["id"] for item in page["data"]}

    target, query = f"{url}{kind.path}", kind.query
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as session:
        yield listing


@asynccontextmanager
async def httpx(url: str, kind: Kind) -> AsyncIterator[Listing]:
    """What people write first: httpx and its json(), dicts."""
    from httpx import AsyncClient

    async def listing() -> AsyncIterator[object]:
        cursor = 0
        while True:
            response = await client.get(target, params=query | {"cursor": cursor})
            response.raise_for_status()
            page = response.json()
            for item in page["data"]:
                yield item
            if not page["meta"]["has_more"]:
                return
            cursor = page["meta"]["next_cursor"]

    target, query = f"{url}{kind.path}", kind.query
    async with AsyncClient(headers={"Authorization": f"Bearer {KEY}"}, timeout=None) as client:  # noqa: S113 - as the official one
        yield listing


@asynccontextmanager
async def requests(url: str, kind: Kind) -> AsyncIterator[Listing]:
    """What people write without asyncio: requests and its json(), dicts. It blocks."""
    from requests import Session

    async def listing() -> AsyncIterator[object]:
        cursor = 0
        while True:
            response = session.get(target, params=query | {"cursor": cursor}, timeout=60)
            response.raise_for_status()
            page = response.json()
            for item in page["data"]:
                yield item
            if not page["meta"]["has_more"]:
                return
            cursor = page["meta"]["next_cursor"]

    target, query = f"{url}{kind.path}", kind.query
    with Session() as session:
        session.headers["Authorization"] = f"Bearer {KEY}"
        yield listing


def _official(url: str, *, retries: bool = False) -> Any:  # noqa: ANN401 - its types are of no use here
    os.environ["DISABLE_TELEMETRY"] = "true"
    from tofupilot.v2 import TofuPilot
    from tofupilot.v2.utils import BackoffStrategy, RetryConfig

    # In milliseconds. These are the values of its documentation, except that it gives up in reasonable time.
    backoff = BackoffStrategy(initial_interval=500, max_interval=30_000, exponent=1.5, max_elapsed_time=120_000)
    retry = {"retry_config": RetryConfig("backoff", backoff, retry_connection_errors=True)} if retries else {}
    return TofuPilot(api_key=KEY, server_url=url, **retry)


@asynccontextmanager
async def official(url: str, kind: Kind, *, retries: bool = False) -> AsyncIterator[Listing]:
    """The official SDK in the obvious loop."""

    async def listing() -> AsyncIterator[object]:
        cursor = 0
        while True:
            page = await list_async(limit=LIMIT, cursor=cursor, **kind.options)
            for item in page.data:
                yield item
            if not page.meta.has_more:
                return
            cursor = page.meta.next_cursor

    async with _official(url, retries=retries) as client:
        list_async = getattr(client, kind.listing).list_async
        yield listing


@asynccontextmanager
async def official_gather(url: str, kind: Kind, *, pages: int) -> AsyncIterator[Listing]:
    """The official SDK, which asks for several guessed pages at once, until one of them is the last."""

    async def listing() -> AsyncIterator[object]:
        cursor = 0
        while True:
            cursors = range(cursor, cursor + pages * LIMIT, LIMIT)
            batch = await asyncio.gather(*(list_async(limit=LIMIT, cursor=at, **kind.options) for at in cursors))
            for page in batch:
                for item in page.data:
                    yield item
                if not page.meta.has_more:
                    return
            cursor += pages * LIMIT

    async with _official(url) as client:
        list_async = getattr(client, kind.listing).list_async
        yield listing


@asynccontextmanager
async def ours(url: str, kind: Kind, **options: Any) -> AsyncIterator[Listing]:  # noqa: ANN401 - those of list()
    """aiotofupilot, with typed models and every feature on."""
    from aiotofupilot import TofuPilotSession

    async with TofuPilotSession(KEY, base_url=url) as session:
        yield partial(getattr(session, kind.listing).list, limit=LIMIT, **kind.options, **options)


@asynccontextmanager
async def ours_shards(url: str, kind: Kind, *, n: int) -> AsyncIterator[Listing]:
    """Aiotofupilot, in shards, one after another."""
    from aiotofupilot import TofuPilotSession

    async def listing() -> AsyncIterator[object]:
        for shard in await getattr(session, kind.listing).list(**kind.options).shards(n):
            async for item in session.list(shard, limit=LIMIT):
                yield item

    async with TofuPilotSession(KEY, base_url=url) as session:
        yield listing


@asynccontextmanager
async def ours_traced(url: str, kind: Kind) -> AsyncIterator[Listing]:
    """The same in a program that has imported OpenTelemetry's API, without an SDK that would use it."""
    from opentelemetry import metrics, trace  # noqa: F401 - the import alone makes the difference

    async with ours(url, kind) as listing:
        yield listing


@asynccontextmanager
async def ours_counted(url: str, kind: Kind, **options: Any) -> AsyncIterator[Listing]:  # noqa: ANN401 - those of list()
    """aiotofupilot, which counts the items, and yields a number for each."""

    async def listing() -> AsyncIterator[object]:
        for number in range(await listed().count()):
            yield number

    async with ours(url, kind, **options) as listed:
        yield listing


@asynccontextmanager
async def bare_details(url: str, kind: Kind) -> AsyncIterator[Listing]:
    """The floor: aiohttp and orjson, 16 runs of a page at once, dicts, no checks, no retries."""
    import aiohttp
    import orjson

    async def fetch(target: str, **query: Any) -> Any:  # noqa: ANN401 - values and JSON
        async with places, session.get(f"{url}{target}", params=query) as response:
            response.raise_for_status()
            return orjson.loads(await response.read())

    async def listing() -> AsyncIterator[object]:
        cursor = 0
        while True:
            page = await fetch(kind.path, cursor=cursor, **kind.query)
            for run in await asyncio.gather(*(fetch(f"{kind.path}/{item['id']}") for item in page["data"])):
                yield run
            if not page["meta"]["has_more"]:
                return
            cursor = page["meta"]["next_cursor"]

    places = asyncio.Semaphore(16)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as session:
        yield listing


@asynccontextmanager
async def official_details(url: str, kind: Kind) -> AsyncIterator[Listing]:
    """The official SDK in the obvious loop."""

    async def listing() -> AsyncIterator[object]:
        cursor = 0
        while True:
            page = await resource.list_async(limit=LIMIT, cursor=cursor, **kind.options)
            for item in page.data:
                yield await resource.get_async(id=item.id)
            if not page.meta.has_more:
                return
            cursor = page.meta.next_cursor

    async with _official(url) as client:
        resource = getattr(client, kind.listing)
        yield listing


@asynccontextmanager
async def ours_details(url: str, kind: Kind, **options: Any) -> AsyncIterator[Listing]:  # noqa: ANN401 - those of list()
    """aiotofupilot, with typed models and every feature on."""
    async with ours(url, kind, **options) as listed:
        yield listed().details


@asynccontextmanager
async def official_frame(url: str, kind: Kind) -> AsyncIterator[Listing]:
    """The official SDK in the obvious loop, and pandas' own way to flatten the items."""
    import pandas as pd

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

    async with _official(url) as client:
        list_async = getattr(client, kind.listing).list_async
        yield listing


@asynccontextmanager
async def ours_table(url: str, kind: Kind) -> AsyncIterator[Listing]:
    """aiotofupilot, into one Arrow table."""
    from aiotofupilot import arrow

    async def listing() -> AsyncIterator[object]:
        table = await arrow.table(listed())
        for row in range(table.num_rows):
            yield row

    async with ours(url, kind) as listed:
        yield listing


@asynccontextmanager
async def ours_parquet(url: str, kind: Kind) -> AsyncIterator[Listing]:
    """aiotofupilot, into a Parquet file, batch by batch."""
    from pyarrow import parquet

    from aiotofupilot import arrow

    async def listing() -> AsyncIterator[object]:
        with TemporaryDirectory() as folder:
            async with arrow.batches(listed()) as batches:
                with parquet.ParquetWriter(Path(folder, "listing.parquet"), batches.schema) as writer:
                    async for batch in batches:
                        writer.write_batch(batch)
            rows = parquet.read_metadata(Path(folder, "listing.parquet")).num_rows
        for row in range(rows):
            yield row

    async with ours(url, kind) as listed:
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
                "params": kind.query,
                "data_selector": "data",
                "paginator": pages,
            }
            resource = {"name": kind.listing, "primary_key": "id", "write_disposition": "merge", "endpoint": endpoint}
            client = {"base_url": url, "auth": {"type": "bearer", "token": KEY}}
            source = rest_api_source({"client": client, "resources": [resource]})
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


@frozen(kw_only=True)
class Candidate:
    """Something that is measured if its packages are installed."""

    title: str
    """Its name in the table."""
    needs: Sequence[str] = ()
    """The packages of the extra ``bench`` that it needs."""

    @property
    def installed(self) -> bool:
        """Whether its packages are installed."""
        return all(find_spec(package) is not None for package in self.needs)


@frozen(kw_only=True)
class Contender(Candidate):
    """A client and a way to use it."""

    open: Callable[[str, Kind], AbstractAsyncContextManager[Listing]]
    """Opens a client on a base URL, to list one kind of data."""
    uvloop: bool = False
    """Whether it runs on uvloop's event loop."""


CONTENDERS = {
    "bare": Contender(title="aiohttp + orjson, dicts", open=bare),
    "bare-by-value": Contender(title="aiohttp + orjson, by value", open=bare_by_value),
    "httpx": Contender(title="httpx + json, dicts", open=httpx, needs=("httpx",)),
    "requests": Contender(title="requests + json, dicts", open=requests, needs=("requests",)),
    "official": Contender(title="tofupilot", open=official, needs=("tofupilot",)),
    "official-retries": Contender(
        title="tofupilot, its retries on", open=partial(official, retries=True), needs=("tofupilot",)
    ),
    "official-16": Contender(
        title="tofupilot, gather of 16 guesses", open=partial(official_gather, pages=16), needs=("tofupilot",)
    ),
    "ours": Contender(title="**aiotofupilot**", open=ours),
    "ours-4": Contender(title="**aiotofupilot**, concurrency=4", open=partial(ours, concurrency=4)),
    "ours-16": Contender(title="**aiotofupilot**, concurrency=16", open=partial(ours, concurrency=16)),
    "ours-64": Contender(title="**aiotofupilot**, concurrency=64", open=partial(ours, concurrency=64)),
    "ours-ignore": Contender(title='**aiotofupilot**, on_drift="ignore"', open=partial(ours, on_drift="ignore")),
    "ours-resync": Contender(title='**aiotofupilot**, on_drift="resync"', open=partial(ours, on_drift="resync")),
    "ours-16-resync": Contender(
        title='**aiotofupilot**, concurrency=16, on_drift="resync"',
        open=partial(ours, concurrency=16, on_drift="resync"),
    ),
    "ours-shards": Contender(title="**aiotofupilot**, 20 shards", open=partial(ours_shards, n=20)),
    "ours-traced": Contender(
        title="**aiotofupilot**, opentelemetry-api without SDK", open=ours_traced, needs=("opentelemetry",)
    ),
    "official-frame": Contender(
        title="tofupilot, pandas.json_normalize", open=official_frame, needs=("tofupilot", "pandas")
    ),
    "ours-table": Contender(title="**aiotofupilot**, Arrow table", open=ours_table, needs=("pyarrow",)),
    "ours-parquet": Contender(title="**aiotofupilot**, Parquet file", open=ours_parquet, needs=("pyarrow",)),
    "ours-mirror": Contender(title="**aiotofupilot**, mirror in DuckDB", open=ours_mirror, needs=("duckdb", "pyarrow")),
    "dlt-database": Contender(title="dlt's rest_api source, into DuckDB", open=dlt_database, needs=("dlt", "duckdb")),
    "bare-details": Contender(title="aiohttp + orjson, dicts, 16 at once", open=bare_details),
    "official-details": Contender(title="tofupilot, get()", open=official_details, needs=("tofupilot",)),
    "ours-details": Contender(title="**aiotofupilot**, details()", open=ours_details),
    "ours-16-details": Contender(
        title="**aiotofupilot**, details(), concurrency=16", open=partial(ours_details, concurrency=16)
    ),
    "ours-count": Contender(title="**aiotofupilot**, count()", open=ours_counted),
    "ours-4-count": Contender(
        title="**aiotofupilot**, count(), concurrency=4", open=partial(ours_counted, concurrency=4)
    ),
    "ours-uvloop": Contender(title="**aiotofupilot**, uvloop", open=ours, needs=("uvloop",), uvloop=True),
    "ours-16-uvloop": Contender(
        title="**aiotofupilot**, concurrency=16, uvloop",
        open=partial(ours, concurrency=16),
        needs=("uvloop",),
        uvloop=True,
    ),
}
