"""A DuckDB database that mirrors an account.

This needs DuckDB and pyarrow, which the extra ``mirror`` installs.

- `mirroring` has `Mirror`.
- `update` decides what an update reads, and when it stores it.
- `removals` finds the rows that are no longer listed.
- `tables` defines the tables, views and macros.
- `database` is the file.
- `published` puts a copy of the file where others can read it at any time.
- `results` has results and errors.
"""

from importlib.util import find_spec

if _missing := [name for name in ("duckdb", "pyarrow") if find_spec(name) is None]:
    raise ModuleNotFoundError(f"aiotofupilot.mirror needs {_missing[0]}: install the extra 'mirror'", name=_missing[0])

from .mirroring import Mirror
from .results import DatabaseInUseError, MirrorError, MirrorResult

__all__ = [
    "DatabaseInUseError",
    "Mirror",
    "MirrorError",
    "MirrorResult",
]
