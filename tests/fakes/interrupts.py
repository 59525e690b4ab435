"""Ctrl-C at any line: a `KeyboardInterrupt` at the n-th line of the package that the calling thread comes to.

The handler of another signal may raise another error there.
"""

import sys
from pathlib import Path

import aiotofupilot

PACKAGE = str(Path(aiotofupilot.__file__).parent)


class Interrupts:
    """Interrupts the thread at some lines of the package, which are counted from 1 while the context is entered."""

    def __init__(self, *at, error=KeyboardInterrupt):
        self._at = at
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
        return self._trace_line if frame.f_code.co_filename.startswith(PACKAGE) else None

    def _trace_line(self, frame, event, argument):
        if event == "line":
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


def interrupted(call, *at, error=KeyboardInterrupt):
    """Call something, interrupted at some lines. Return how many interrupts there were, and its result or None."""
    interrupts = Interrupts(*at, error=error)
    try:
        with interrupts:
            result = call()
    except error:
        result = None
    return interrupts.raised, result
