"""The disk that downloads are written to, as the package uses it."""

from aiotofupilot._attachments.part import PartFile


def at(monkeypatch, step, do):
    """Call a function before each step of a file on its way to the disk. It may raise an error.

    A file is written in the steps ``write`` and ``finish``, in a thread.
    """

    original = getattr(PartFile, step)

    def stepping(part, *arguments, **options):
        do(*arguments)
        return original(part, *arguments, **options)

    monkeypatch.setattr(PartFile, step, stepping)
