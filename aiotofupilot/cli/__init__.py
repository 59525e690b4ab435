"""The command line: what the library streams, as a table, JSON or CSV.

`commands` are made from the library's own signatures, which `options` reads, and `process` runs one. `listing` writes
what a `query` asks of a `server` to its destination, in `output`. `columns` say how each listing looks as a table, and
`failures` what went wrong. `standing_sandbox` runs a sandbox.
"""

from .process import run

__all__ = ["run"]
