"""Everything that a value or a session shows or holds, to look for a secret in it."""

import pickle
import traceback
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from rich.pretty import pretty_repr

from aiotofupilot import TofuPilotError, TofuPilotSession

_TESTS = str(Path(__file__).parents[1])


def chain(error):
    """Yield an error, its causes and contexts, and the members of groups."""
    seen, todo = set(), [error]
    while todo:
        error = todo.pop()
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        yield error
        todo += [error.__cause__, error.__context__, *getattr(error, "exceptions", ())]


def local_variables(error):
    """Yield the local variables of every frame of an error and its chain, as tools that show them write them.

    The frames of the tests are left out, because these know the secret.
    """
    for link in chain(error):
        for frame, _ in traceback.walk_tb(link.__traceback__):
            if not frame.f_code.co_filename.startswith(_TESTS):
                for name, value in frame.f_locals.items():
                    yield f"{frame.f_code.co_qualname}: {name} = {_shown(value)}"


def _shown(value):
    """Return what Python's own traceback shows of a local variable, and what rich shows."""
    shown = []
    for show in (repr, pretty_repr):
        try:
            shown.append(show(value))
        except Exception as error:  # noqa: BLE001 - such as of an object whose making has failed
            shown.append(repr(error))
    return "\n".join(shown)


def texts(value):
    """Yield the texts of a value and all it holds, with the causes, contexts, notes and traceback of an error."""
    seen, todo = set(), [value]
    while todo:
        value = todo.pop()
        if id(value) in seen or isinstance(value, type):
            continue
        seen.add(id(value))
        yield str(value)
        yield repr(value)
        if isinstance(value, BaseException):
            todo += [value.__cause__, value.__context__, *value.args, *vars(value).values()]
            yield "".join(traceback.format_exception(value))
            yield from local_variables(value)
            if isinstance(value, TofuPilotError):
                yield pickle.dumps(value).decode("latin-1")
        elif isinstance(value, dict):
            todo += [*value, *value.values()]
        elif isinstance(value, list | tuple | set):
            todo += value


@asynccontextmanager
async def traced_session(key, sandbox, trace, *, is_handed_in):
    """Yield a session with trace hooks, of its own aiohttp session or of one that it was given."""
    if not is_handed_in:
        async with TofuPilotSession(key, base_url=sandbox.url, trace_configs=[trace]) as session:
            yield session
        return
    async with (
        aiohttp.ClientSession(trace_configs=[trace]) as http_session,
        TofuPilotSession(key, base_url=sandbox.url, http_session=http_session) as session,
    ):
        yield session
