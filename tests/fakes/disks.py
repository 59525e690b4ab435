"""A disk that fails once, or takes the process with it, at each call in turn that a piece of code makes on a folder."""

import builtins
import errno
import io
import os
import shutil
import threading
from io import BufferedWriter, FileIO
from itertools import count
from pathlib import Path

import pytest

ON_PATHS = ("open", "replace", "unlink", "mkdir", "chmod", "truncate")


class KilledError(BaseException):
    """What ends a piece of code in the place of a signal."""


class File(FileIO):
    """A file on a disk, which is told what is written."""

    def __init__(self, disk, *arguments):
        super().__init__(*arguments)
        self._disk = disk
        disk.numbers.add(self.fileno())
        disk.files.append(self)

    def write(self, data):
        self._disk.call("write", lambda: super(File, self).write(bytes(data)[: len(data) // 2]))
        return super().write(data)

    def truncate(self, size=None):
        self._disk.call("truncate")
        return super().truncate(size)

    def close(self):
        if not self.closed:
            self._disk.numbers.discard(self.fileno())
        super().close()


class Disk:
    """Where a folder lies, for a block. The call of a number fails, or is the last one that is made.

    After a kill, the disk takes nothing more, so it does not matter what the code does until it has ended. Of a write
    that fails, half is made. ``calls`` are the names of all calls.
    """

    def __init__(self, folder, number, *, is_killed):
        self._folder, self._number, self._is_killed = folder, number, is_killed
        self._patch = pytest.MonkeyPatch()
        self.numbers = set()
        self.files = []
        self._lock = threading.Lock()  # a thread may write
        self.calls = []
        self.error = None
        """What was raised; None: there was no call of that number."""

    def call(self, name, half=None, error=None, path=None):
        """Count a call, perhaps of a path. If it is the one, make half of it, and raise what it ends with."""
        with self._lock:
            if self._is_killed and self.error:
                raise self.error
            self.calls.append(name)
            if len(self.calls) <= self._number or self.error:
                return
            if half:
                half()
            number = errno.ENOSPC if name in ("open", "write", "mkdir") else errno.EIO
            self.error = KilledError() if self._is_killed else error or OSError(number, os.strerror(number), path)
            raise self.error

    def _has(self, path):
        return not isinstance(path, int) and Path(os.fsdecode(path)).is_relative_to(self._folder)

    def __enter__(self):
        for name in ON_PATHS:
            self._patch.setattr(os, name, self._on_path(name, getattr(os, name)))
        self._patch.setattr(os, "fsync", self._on_sync(os.fsync))
        opened = self._on_open(builtins.open)
        self._patch.setattr(builtins, "open", opened)
        self._patch.setattr(io, "open", opened)
        return self

    def _on_sync(self, fsync):
        def counted(file):
            if (file if isinstance(file, int) else file.fileno()) in self.numbers:
                self.call("fsync")
            fsync(file)

        return counted

    def _on_open(self, opened):
        def counted(file, mode="r", *arguments, **options):
            if isinstance(file, int) and file in self.numbers:
                return File(self, file, mode)
            if self._has(file) and {*mode} & {*"wax+"}:
                assert "b" in mode, "a text is written through bytes here"
                self.call("open")
                return BufferedWriter(File(self, file, mode))
            return opened(file, mode, *arguments, **options)

        return counted

    def _on_path(self, name, call):
        def counted(path, *arguments, **options):
            if not self._has(path):
                return call(path, *arguments, **options)
            self.call(name, path=os.fsdecode(path))
            result = call(path, *arguments, **options)
            if name == "open":
                self.numbers.add(result)
            return result

        return counted

    def __exit__(self, kind, error, trace):
        self._patch.undo()
        if self._is_killed and self.error:
            for file in self.files:  # as the end of a process does, with the locks
                FileIO.close(file)
        chain = {error, getattr(error, "__cause__", None), getattr(error, "__context__", None)}
        return self.error is not None and self.error in chain


def every_call(folder, *, is_killed, step=1):
    """Yield a disk for each call of what its block does, or for every so many. Before, the folder is emptied.

    The last disk is a good one.
    """
    for number in count(0, step):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        disk = Disk(folder, number, is_killed=is_killed)
        yield disk
        if disk.error is None:
            assert number > 0, "the block did nothing to the folder"
            return
