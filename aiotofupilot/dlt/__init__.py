"""TofuPilot as a dlt source, for every destination that dlt has, and as a DuckDB database that is kept up to date.

The extra ``dlt`` has what this needs: dlt, DuckDB and pyarrow.

`source` is made of `resources`, one for each listing. They share one of the `sessions`. A resource does the `reading`
of what is new, up to a `deadline`, notes what is `unreadable`, and makes flat `rows` of the rest.

`mirroring` brings a `database` up to date, under a `lock`. Where that fails, `unwrapping` finds out why, and `errors`
has what can end a mirror. `quiet` turns off dlt's telemetry and its log.
"""

from importlib.util import find_spec

if _missing := [name for name in ("dlt", "duckdb", "pyarrow") if find_spec(name) is None]:
    raise ModuleNotFoundError(f"aiotofupilot.dlt needs {_missing[0]}: install the extra 'dlt'", name=_missing[0])

from .errors import MirrorError, MirrorTimeoutError, PlaceError
from .mirroring import Brought, mirror
from .source import tofupilot
from .unreadable import Unreadable

__all__ = ["Brought", "MirrorError", "MirrorTimeoutError", "PlaceError", "Unreadable", "mirror", "tofupilot"]
