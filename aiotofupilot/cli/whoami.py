"""``aiotofupilot whoami``: whom the key belongs to, as JSON."""

from __future__ import annotations

import sys

from .formats import json_object
from .messages import is_terminal
from .options import Server, unwrapped


@unwrapped
async def whoami(*, server: Server = Server()) -> None:  # noqa: B008 - a value
    """Show as JSON which user or station the key belongs to, and which organization.

    Args:
        server: Which server gets the request.
    """
    from .output import StandardOutput  # noqa: PLC0415 - help need not wait for asyncio
    from .progress import Progress  # noqa: PLC0415 - which imports it too

    out, progress = StandardOutput(), Progress(to_standard_output=True)
    async with server.session() as session, progress.reporting():
        with progress:
            identity = await session.whoami()
    await out.write(json_object(identity, for_terminal=is_terminal(sys.stdout)))
