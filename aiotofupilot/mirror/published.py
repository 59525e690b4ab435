"""The copy of a mirror that others can read at any time: which file may be one, and how the next one takes its place.

DuckDB lets in one program that writes, or many that read. So nobody can read a mirror during an update. A copy is
written under another name and then renamed. So a program that opens the copy once finds a whole database, and one that
has the copy before open keeps that. Nobody ever writes into a copy.

DuckDB opens the file once if its type is named: ``duckdb.connect("duckdb:shared.duckdb", read_only=True)``, or
``ATTACH 'shared.duckdb' (TYPE duckdb, READ_ONLY)``. Otherwise it first opens the path once or twice more, to find the
type. A rename may come in between.

- DuckDB 1.4 and 1.5 keep nothing but the type, which is the same for each copy.
- DuckDB 2.0 also keeps the first 12,288 bytes, which are the three headers, and reads the blocks from the file that it
  opens last. The headers say where the catalog begins. Each block has a checksum, which does not cover the headers. So
  the headers of one copy and the blocks of the next can be an error, such as "No more data remaining in
  MetadataReader", or a mix of both: the runs of one copy and the stations of the other.

Nothing in this module prevents that mix, because each checkpoint moves the catalog. If no copy was shorter than the one
before, some of the errors would become a mix.

A copy has the bytes of its mirror. So what tells them apart is in both of them, in the table `_mirror_copy`: the mirror
itself, the version of what it holds, and the name of the file that was published last. A file with that name, of the
same mirror, is a copy, and may be replaced.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from contextlib import contextmanager
from functools import partial
from io import BufferedWriter
from typing import TYPE_CHECKING

from aiotofupilot._part import locked

from .results import DatabaseInUseError, MirrorError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from io import FileIO
    from pathlib import Path
    from typing import IO

_READ_ONLY = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH
"""What the mode of a copy may have, if the umask allows it. A program that opens it for writing would keep others
from reading it, and would leave a log of its changes beside it. DuckDB 1.4 applies that to the next copy too."""


def is_database(head: bytes) -> bool:
    """Return whether a file that begins with some bytes is a database.

    Source: https://duckdb.org/docs/stable/internals/storage
    """
    return head[8:].startswith(b"DUCK")


def make_read_only(target: Path) -> None:
    """Give a copy its mode. It has another one if the process that put it there was killed right after that."""
    mode = stat.S_IMODE(target.stat().st_mode)
    if sys.platform != "win32" and mode & ~_READ_ONLY:
        target.chmod(mode & _READ_ONLY)


def check_target(target: Path) -> None:
    """Check that a copy can be put in a place, as far as that is known before."""
    if not target.parent.is_dir():
        raise MirrorError(f"cannot publish {target}: there is no folder {target.parent}")
    log = target.with_name(f"{target.name}.wal")
    if log.exists():
        raise MirrorError(
            f"a program has opened {target} for writing, and {log.name} beside it would change the next copy: "
            "close it there, and remove that file"
        )


@contextmanager
def replacing(target: Path) -> Generator[Callable[[IO[bytes]], None]]:
    """Yield what puts a copy of a file in the place of the copy before. Meanwhile, no other program puts a copy there.

    If the block fails, the copy before stays.
    """
    found = locked(target.with_name(f"{target.name}.part"))
    if found is None:
        message = f"another program is publishing {target}: wait until that is done"
        raise DatabaseInUseError(message, path=target)
    file, path = found
    if (head := file.read(12)) and not is_database(head):
        file.close()
        raise MirrorError(f"{path} is not what a copy left that was interrupted: remove it, or choose another file")
    file.seek(0)
    with BufferedWriter(file) as writer:
        try:
            yield partial(_put, writer, path, target)
        except BaseException as error:
            if isinstance(error, OSError) and error.filename is None:  # a write does not name its file
                error.filename = str(path)
            if sys.platform == "win32":
                file.close()
            path.unlink(missing_ok=True)
            raise


def _put(writer: BufferedWriter[FileIO], path: Path, target: Path, source: IO[bytes]) -> None:
    writer.truncate(0)  # a process that was killed has left something
    shutil.copyfileobj(source, writer)
    writer.flush()
    os.fsync(writer.fileno())
    if sys.platform == "win32":
        writer.close()  # an open file cannot be moved there; elsewhere it keeps its lock until later
    try:
        path.replace(target)
    except PermissionError as error:
        message = (
            f"cannot replace {target}: on Windows, nobody may have it open; elsewhere, its folder must be writable"
        )
        raise DatabaseInUseError(message, path=target) from error
    if sys.platform != "win32":  # where the next copy could not replace one that is read-only
        # Not before the rename: what a process that was killed then would leave, the next one could not open.
        os.fchmod(writer.fileno(), os.fstat(writer.fileno()).st_mode & _READ_ONLY)
