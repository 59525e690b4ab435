"""The copy of a mirror that others can read at any time.

DuckDB admits one writer or many readers, so nobody can read a mirror during an update. The copy is replaced by a
rename, and a program that has opened it keeps the old one. DuckDB opens a file once if its type is named, as in the
guide. Otherwise it first opens the path once or twice to find the type. After a rename in between, DuckDB 2.0 mixes the
headers of one copy with the blocks of the next.

A copy has the bytes of its mirror. Its table `_mirror_copy` has the ID of the mirror and the name of the copy. Only a
file that has both is replaced.
"""

from __future__ import annotations

import stat
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from aiotofupilot._part import Part

from .results import DatabaseInUseError, MirrorError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

_READ_ONLY = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH
"""The mode of a copy, if the umask allows it. A program that opens a copy for writing would keep others from reading
it, and leave a log of changes beside it, which DuckDB 1.4 applies to the next copy too."""


def check_target(target: Path) -> None:
    """Check that a copy can be written to a path, as far as is known beforehand."""
    if not target.parent.is_dir():
        raise MirrorError(f"cannot publish {target}: there is no folder {target.parent}")
    log = target.with_name(f"{target.name}.wal")
    if log.exists():
        raise MirrorError(
            f"a program has opened {target} for writing, and its log {log.name} would change the next copy: "
            "close the program, and remove the log"
        )


def put(source: IO[bytes], target: Path) -> None:
    """Replace the last copy of a file. If that fails, the last copy stays."""
    part = Part.of(target)
    if part is None:
        message = f"another program is publishing {target}: wait until it has finished"
        raise DatabaseInUseError(message, path=target)
    try:
        part.truncate(0)  # a process that was killed may have left some bytes
        while piece := source.read(1 << 20):
            part.write(piece)
        part.place()
    except PermissionError as error:
        message = f"cannot replace {target}: its folder must be writable, and on Windows nobody may have it open"
        raise DatabaseInUseError(message, path=target) from error
    finally:
        part.remove()
    if sys.platform != "win32":  # on Windows, the next copy could not replace a read-only copy
        with suppress(OSError):  # a network share may refuse it
            target.chmod(target.stat().st_mode & _READ_ONLY)
