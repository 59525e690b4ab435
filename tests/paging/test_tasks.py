"""A task of this package keeps nothing alive. No session shows it, because only the end of a loop has the task then."""

import asyncio
import weakref

from aiotofupilot._paging.tasks import Tasks, begun


async def test_a_cancelled_request_is_freed_while_its_task_is_there():
    """The end of an event loop has the tasks, and must not have the session for that."""

    class Session:
        pass

    async def fetch(session):
        await asyncio.Event().wait()
        return session

    session = Session()
    watched, task = weakref.ref(session), begun(fetch(session))
    del session
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait((task,))
    assert task.cancelled()
    assert watched() is None


def test_tasks_that_were_never_made_whole_are_dropped_in_silence():
    """Python calls their finalizer, too, where the constructor was interrupted."""
    Tasks.__new__(Tasks).__del__()
