"""The copy of a mirror that others can read at any time: a file beside it takes its place by a rename.

DuckDB lets in one program that writes, or many that read, so nobody can read a mirror during an update. A program that
opens the copy once finds a whole database, and keeps that while the next copy takes its place. DuckDB opens a file once
if its type is named, as in the guide. Otherwise it first opens the path once or twice more, to find the type. A rename
may come in between, and DuckDB 2.0 then mixes the headers of one copy with the blocks of the next.

A copy has the bytes of its mirror, with its own name in the table `_mirror_copy`, beside the ID of the mirror. A file
without these two is not a copy, and is not replaced.
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
"""What the mode of a copy may have, if the umask allows it. A program that opens it for writing would keep others
from reading it, and would leave a log of its changes beside it. DuckDB 1.4 applies that to the next copy too."""


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


def put(source: IO[bytes], target: Path) -> None:
    """Put a copy of a file in the place of the copy before, which stays if that fails."""
    part = Part.of(target)
    if part is None:
        message = f"another program is publishing {target}: wait until that is done"
        raise DatabaseInUseError(message, path=target)
    try:
        part.truncate(0)  # a process that was killed has left something
        while piece := source.read(1 << 20):
            part.write(piece)
        part.place()
    except PermissionError as error:
        message = f"cannot replace {target}: its folder must be writable, and on Windows nobody may have it open"
        raise DatabaseInUseError(message, path=target) from error
    finally:
        part.remove()
    if sys.platform != "win32":  # where the next copy could not replace one that is read-only
        with suppress(OSError):  # a share may refuse it
            target.chmod(target.stat().st_mode & _READ_ONLY)
