"""Listings as Arrow: a fixed schema per model, record batches during a walk, or one table.

polars, pandas, DuckDB and other libraries read them directly. This needs pyarrow, from the extra ``arrow``.

A column has the name of the model's attribute, such as ``linked_repository``, not the name on the wire. Its type
depends only on the model. So all tables of one listing have the same columns, even an empty table:

====================  ================================================================================
attribute             column
====================  ================================================================================
``str``               string; an unknown value of an enumeration is a string too
``datetime``          timestamp in microseconds, UTC
``timedelta``         duration in microseconds
``int``               int64
``int | float``       double
``bool``              bool
another model         struct
tuple of models       list of structs
points of a series    list of double; null where the server has no number
metadata              map from string to the value's JSON text, such as ``"B"``, ``41.5`` and ``true``
several other types   string with the value's JSON text, such as `RunMeasurement.measured_value`
====================  ================================================================================

Every column may hold null, even if the API promises a value, because a later version may not.

With ``flat=True`` no column is nested. ``table.select`` chooses columns.

`rows` makes rows, with nested or flat columns. `streaming` makes record batches of a listing as its pages arrive, and
writes Parquet. `waveforms` makes a long table of points.
"""

from importlib.util import find_spec

if find_spec("pyarrow") is None:
    raise ModuleNotFoundError("aiotofupilot.arrow needs pyarrow: install the extra 'arrow'", name="pyarrow")

from .rows import record_batch, schema
from .streaming import RecordBatches, batches, table
from .waveforms import series, series_batches

__all__ = [
    "RecordBatches",
    "batches",
    "record_batch",
    "schema",
    "series",
    "series_batches",
    "table",
]
