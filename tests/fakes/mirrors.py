"""A mirror that is updated without an event loop of the test's own."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from aiotofupilot.mirror import Mirror


def updated(path, session, *, full=False, again=None, on_progress=None, timeout=None, **options):
    """Bring a database up to date with an unused session, and close that."""

    async def update():
        async with session, asyncio.timeout(timeout):
            mirror = Mirror(path, session=session, **options)
            return await mirror.update(full=full, again=again, on_progress=on_progress)

    with ThreadPoolExecutor(1) as pool:  # a test may have a loop that runs
        return pool.submit(asyncio.run, update()).result()
