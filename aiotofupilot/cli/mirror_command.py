"""``aiotofupilot mirror``: its options and its help."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - cyclopts resolves the annotations
from typing import Annotated

from cyclopts import Parameter

from aiotofupilot.listings import NAMES

from .failures import UsageError
from .help_text import unwrapped
from .shared_options import AskingForAll, Serving

__all__ = ["mirror"]


@unwrapped
async def mirror(
    database: Annotated[Path, Parameter(metavar="DATABASE")],
    /,
    *listings: Annotated[str, Parameter(metavar="LISTING")],
    full: Annotated[bool, Parameter(show_default=False)] = False,
    asking: AskingForAll = AskingForAll(),  # noqa: B008 - a value
    serving: Serving = Serving(),  # noqa: B008 - a value
) -> None:
    """Bring a DuckDB database up to date, with a table for each listing.

    The first run reads everything, and each later one what is new. It can be stopped at any moment and run again.
    Parts, stations and users are compared as a whole by each run. Of the other listings, only --full sees what was
    changed or removed. A row that the server lists no more stays, and _gone_at says when that was found.

    Args:
        database: The file. If there is none, it is made.
        listings: The listings to bring up to date, such as runs. All of them by default.
        full: Read everything again, and mark what is gone.
        asking: How the server is asked.
        serving: Which server is asked, and with which key.
    """
    serving.check()
    for name in listings:
        if name not in NAMES:
            raise UsageError(f"no such listing: {name}; there are {', '.join(NAMES)}")
    # Here and not above, because help and a wrong option need not wait for aiohttp.
    from .mirror import bring_up_to_date  # noqa: PLC0415
    from .server import Server  # noqa: PLC0415

    server = Server(
        base_url=serving.base_url,
        api_key=serving.api_key,
        proxy=serving.proxy,
        ca_cert=serving.ca_cert,
        sandbox=serving.sandbox,
        allow_insecure_http=serving.allow_insecure_http,
        timeout=asking.timeout,
        retries=asking.retries,
    )
    await bring_up_to_date(database, listings or tuple(NAMES), server, asking, full=full)
