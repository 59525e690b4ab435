"""TofuPilot as a dlt source, for every destination that dlt has, and as a DuckDB database that is kept up to date.

The extra ``dlt`` has what this needs: dlt, DuckDB and pyarrow.

`source` is made of `resources`, one for each listing, which share one of the `sessions`. A resource does the `reading`
of what is new, and makes flat `rows` of it. `mirroring` brings a `database` up to date, under a `lock`. `quiet` is for
a program that is not dlt's.

A `deadline` ends the reading in time. What cannot be read is noted in `unreadable`. `errors` has the errors of a
mirror, and `unwrapping` takes off the errors that dlt puts around them.
"""

from importlib.util import find_spec

if missing := [name for name in ("dlt", "duckdb", "pyarrow") if find_spec(name) is None]:
    raise ModuleNotFoundError(f"aiotofupilot.dlt needs {missing[0]}: pip install 'aiotofupilot[dlt]'", name=missing[0])

from .errors import MirrorError, MirrorTimeoutError, PlaceError
from .mirroring import Brought, mirror
from .source import tofupilot
from .unreadable import Unreadable

__all__ = ["Brought", "MirrorError", "MirrorTimeoutError", "PlaceError", "Unreadable", "mirror", "tofupilot"]
