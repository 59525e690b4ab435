"""The command line: what the library streams, as a table, JSON or CSV.

`commands` declares the commands and their options and `process` runs one. `pull` carries a listing from a session to
one of the `destinations`, spelled as one of the `formats` or as a `table`, while `progress` shows how far it is.
`failures` says what went wrong. `serving` runs a sandbox.
"""

from .process import run

__all__ = ["run"]
