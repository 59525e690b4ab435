"""The command line: what the library streams, as a table, JSON or CSV.

`commands` declares the commands and their options, `process` runs one, and `failures` says what went wrong. `pull`
carries a `query` from a `server` to one of the `destinations`, spelled as one of the `formats` or as a `table`, while
`watching` shows how far it is; a destination that is one of the `files` keeps a `journal`, for another run to go on.
`serving` runs a sandbox.
"""

from .process import run

__all__ = ["run"]
