"""Ctrl-C at any line: a `KeyboardInterrupt` at the n-th line of the package that the calling thread comes to.

The handler of another signal may raise another error there. Within a line, Python notices a signal after a call.
"""

import dis
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path

import aiotofupilot

PACKAGE = str(Path(aiotofupilot.__file__).parent)


class Interrupts:
    """Interrupts the thread at some lines of the package, which are counted from 1 while the context is entered.

    If wanted, it counts calls in the place of lines, and interrupts after them.
    """

    def __init__(self, *at, error=KeyboardInterrupt, after_calls=False):
        self._at = at
        self._after_calls = after_calls
        self._error = error
        self._before = None, None
        self.lines = 0
        self.raised = 0

    def __enter__(self):
        self._before = sys.gettrace(), sys.getprofile()
        sys.setprofile(self._profile)
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_):
        sys.setprofile(self._before[1])  # first, because it would trace again
        sys.settrace(self._before[0])

    def _trace(self, frame, event, argument):
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        frame.f_trace_opcodes = self._after_calls
        return self._trace_line

    def _trace_line(self, frame, event, argument):
        if (
            frame.f_lasti in after_calls(frame.f_code)
            if event == "opcode"
            else event == "line" and not self._after_calls
        ):
            self.lines += 1
            if self.lines in self._at:
                self.raised += 1
                raise self._error
        return self._trace_line

    def _profile(self, frame, event, argument):
        """Trace again. Python stops it when the function that traces raises an error."""
        if sys.gettrace() is None:
            sys.settrace(self._trace)
            while frame is not None:
                frame.f_trace = self._trace(frame, event, argument)
                frame = frame.f_back


@cache
def after_calls(code):
    """Return where the instructions are that follow a call."""
    pairs = pairwise(dis.get_instructions(code))
    return {following.offset for calling, following in pairs if calling.opname.startswith("CALL")}


def interrupted(call, *at, **options):
    """Call something, interrupted at some lines. Return how many interrupts there were, and its result or None."""
    interrupts = Interrupts(*at, **options)
    try:
        with interrupts:
            result = call()
    except options.get("error", KeyboardInterrupt):
        result = None
    return interrupts.raised, result
