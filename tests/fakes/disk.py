"""The disk that downloads are written to, as the package uses it."""

from aiotofupilot._part import Part


def at(monkeypatch, step, do):
    """Call a function before each step of a file on its way to the disk. It may raise an error.

    A file is written in the steps ``write`` and ``place``, in a thread.
    """

    original = getattr(Part, step)

    def stepping(part, *arguments, **options):
        do(*arguments)
        return original(part, *arguments, **options)

    monkeypatch.setattr(Part, step, stepping)
