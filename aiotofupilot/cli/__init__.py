"""The command line: what the library streams, as a table, JSON or CSV.

`commands` declares the commands and their options, `process` runs one, and `failures` says what went wrong. `pull`
carries a `query` from a `server` to one of the `destinations`, spelled as one of the `formats` or as a `table`, while
`watching` shows how far it is. A destination is one of the `files`, which keep a `journal` so that another run can
resume, or one of the `streams`, which may be an open file that one of the `descriptors` names.
`serving` runs a sandbox.
"""

from .process import run

__all__ = ["run"]
