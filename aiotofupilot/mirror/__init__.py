"""A DuckDB database that mirrors an account, kept up to date by each update.

This needs DuckDB and pyarrow, which the extra ``mirror`` installs.

- `mirroring` has `Mirror`, which does the updates, and `mirror_blocking`, which does one without asyncio.
- `update` is one update: what it reads, and when it stores what.
- `removals` finds the rows that are not listed any more.
- `tables` says which listings are mirrored, and has their tables, with the views and macros over them, and the mirror's
  own ones.
- `database` is the file.
- `published` puts a copy of the file where others can read it at any time.
- `results` has what comes back.
"""

from importlib.util import find_spec

if _missing := [name for name in ("duckdb", "pyarrow") if find_spec(name) is None]:
    raise ModuleNotFoundError(f"aiotofupilot.mirror needs {_missing[0]}: install the extra 'mirror'", name=_missing[0])

from .mirroring import Mirror, mirror_blocking
from .results import (
    DatabaseInUseError,
    MirrorError,
    MirrorProgress,
    MirrorResult,
    MirrorTimeoutError,
    StaleWatermarkError,
)

__all__ = [
    "DatabaseInUseError",
    "Mirror",
    "MirrorError",
    "MirrorProgress",
    "MirrorResult",
    "MirrorTimeoutError",
    "StaleWatermarkError",
    "mirror_blocking",
]
