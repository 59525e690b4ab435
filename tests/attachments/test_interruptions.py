"""What no server and no disk can bring about when it matters, so these tests know private names of the package."""

import asyncio
import errno
import gc
import threading
from contextlib import suppress

from aiotofupilot._attachments import in_thread


async def test_an_error_of_the_disk_after_a_cancellation_is_said_nowhere():
    """The task has ended by its cancellation, and there is nobody to tell."""
    has_begun, may_fail, said = threading.Event(), threading.Event(), []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context))

    def fail():
        has_begun.set()
        may_fail.wait(20)
        raise OSError(errno.ENOSPC, "No space left on device")

    task = asyncio.create_task(in_thread(fail))
    await asyncio.to_thread(has_begun.wait, 20)
    task.cancel()
    asyncio.get_running_loop().call_soon(may_fail.set)
    with suppress(asyncio.CancelledError):  # which pytest.raises would keep, and with it the future
        await task
    assert task.cancelled()
    del task
    for _ in range(3):  # the loop holds the future a little longer
        await asyncio.sleep(0)
    gc.collect()
    assert not said
