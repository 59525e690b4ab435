"""Everything that a value shows or holds, to look for a secret in it."""

import pickle
import traceback

from aiotofupilot import TofuPilotError

__all__ = ["texts"]


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
            if isinstance(value, TofuPilotError):
                yield pickle.dumps(value).decode("latin-1")
        elif isinstance(value, dict):
            todo += [*value, *value.values()]
        elif isinstance(value, list | tuple | set):
            todo += value
