"""The command line: what the library streams, as a table, JSON, CSV or Parquet.

`process` runs a command of the `app`, up to its end or its `termination`. The `listings` are commands:
`listing_command` makes each of them from the library's own signature, which `filter_options` reads, and from
`shared_options`. `converters` read what is typed, and `help_panels` and `help_text` are how the help looks. `listing`
then writes what a `query` asks of a `server` to its destination, in `output`, while the `outlook` counts how much is to
come. `columns` say how each listing looks as a table, and `failures` what went wrong.

`mirror_command` keeps a `mirror`. `sandbox_command` runs a `standing_sandbox`, of `sandbox_data` if a file has any.
"""

from .process import run

__all__ = ["run"]
