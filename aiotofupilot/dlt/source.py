"""The dlt source."""

from __future__ import annotations

from collections.abc import Callable, Sequence  # noqa: TC003 - dlt resolves the annotations
from contextlib import AbstractAsyncContextManager  # noqa: TC003 - likewise
from typing import TYPE_CHECKING, Literal

import dlt
from dlt.extract import DltSource

from aiotofupilot import RetryPolicy
from aiotofupilot._arguments import boolean, integer, one_of, seconds
from aiotofupilot._http.retry import checked_retry
from aiotofupilot.settings import Secret

from .reading import chosen
from .resources import Amounts, resource
from .sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlt.extract import DltResource

__all__ = ["source_of", "tofupilot"]

_NAME = "tofupilot"


def source_of(resources: Sequence[DltResource]) -> DltSource:
    """Return some resources as the source, without what its function looks for in dlt's configuration."""
    return DltSource(dlt.Schema(_NAME), _NAME, resources)


@dlt.source(name=_NAME)
def tofupilot(
    api_key: dlt.TSecretStrValue | None = None,
    base_url: str | None = None,
    *,
    listings: Sequence[str] | None = None,
    concurrency: int = 1,
    allow_insecure_http: bool = False,
    proxy: str | None = None,
    ca_cert: str | None = None,
    timeout: float | None = 30.0,
    retry: RetryPolicy | None = RetryPolicy(),  # noqa: B008 - a value
    make_limiter: Callable[[], AbstractAsyncContextManager[object]] | None = None,
    on_unreadable: Literal["raise", "skip"] = "raise",
    rows: int = 5000,
    max_items: int | None = None,
    full: bool = False,
) -> Iterator[DltResource]:
    """Return TofuPilot as a dlt source, with a resource for each listing.

    A resource brings what is new since the pipeline's last run, and the pipeline commits it together with the place
    where it ended. Rows are merged by ``id``. So each item is in the table once, whatever happens to a run. Parts,
    stations and users have no filter on creation: each run reads them from beginning to end, and updates their rows. Of
    the other listings, a run does not see that an item was changed or removed after it was read; ``full`` does see
    changes.

    Measurements and phases come with all attempts, and metadata and sequences with what they belong to.

    Args:
        api_key: As in `TofuPilotSession`; dlt looks for it in its own configuration too.
        base_url: As in `TofuPilotSession`, and likewise.
        listings: Names of the listings to have as resources, in any order. None: all eleven.
        concurrency: As in `TofuPilotSession`.
        allow_insecure_http: As in `TofuPilotSession`.
        proxy: As in `TofuPilotSession`.
        ca_cert: As in `TofuPilotSession`.
        timeout: As in `TofuPilotSession`.
        retry: A `RetryPolicy`; None: every page is asked for once.
        make_limiter: A function that returns what `TofuPilotSession` takes as ``limiter``, such as ``lambda:
            AsyncLimiter(10, 1)``. Each session calls it. None: there is no limiter.
        on_unreadable: What to do about an item that the server cannot serve while it serves others: ``"raise"`` its
            error; or ``"skip"`` it, with a warning in the log. Only a run with ``full`` asks for it again. What belongs
            to it is left out too, such as the measurements of a run.
        rows: Rows of an Arrow batch, about; 1 or more.
        max_items: In one run, stop a listing after about this many items, 1 or more; the next run continues after
            them. It holds for each listing, except for parts, stations and users. None: read to the end.
        full: Whether to read everything again, whatever was read before.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of bounds, or there is no such listing.
    """
    key, way = Secret(api_key), Secret(proxy)
    del api_key, proxy  # so that no traceback with local variables shows them
    names = chosen(listings)
    amounts = Amounts(
        rows=integer("rows", rows, low=1),
        max_items=None if max_items is None else integer("max_items", max_items, low=1),
        full=boolean("full", full),
    )
    sessions = Sessions(
        api_key=key,
        base_url=base_url,
        concurrency=integer("concurrency", concurrency, low=1),
        allow_insecure_http=allow_insecure_http,
        proxy=way,
        ca_cert=ca_cert,
        timeout=None if timeout is None else seconds("timeout", timeout, zero=False),
        retry=checked_retry(retry),
        make_limiter=make_limiter,
    )
    skips = one_of("on_unreadable", on_unreadable, ("raise", "skip")) == "skip"
    for name in names:
        yield resource(name, sessions, amounts, [] if skips else None)
