"""TofuPilot as a dlt source, for every destination that dlt has, and as a DuckDB database that is kept up to date.

The extra ``dlt`` has what this needs: dlt, DuckDB and pyarrow.

`source` has a resource for each listing. A resource does the `reading` of what is new, and makes flat `rows` of it.
`mirroring` brings a `database` up to date, and yields `results`. `quiet` turns off dlt's telemetry and its log, and
finds out why dlt failed.
"""

from importlib.util import find_spec

if _missing := [name for name in ("dlt", "duckdb", "pyarrow") if find_spec(name) is None]:
    raise ModuleNotFoundError(f"aiotofupilot.dlt needs {_missing[0]}: install the extra 'dlt'", name=_missing[0])

from .mirroring import mirror
from .results import MirrorError, MirrorResult, MirrorTimeoutError, StaleWatermarkError, Unreadable
from .source import tofupilot

__all__ = [
    "MirrorError",
    "MirrorResult",
    "MirrorTimeoutError",
    "StaleWatermarkError",
    "Unreadable",
    "mirror",
    "tofupilot",
]
