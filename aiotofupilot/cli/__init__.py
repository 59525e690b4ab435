"""The command line: what the library streams, as a table, JSON or CSV.

`process` runs a command of the `app`. The `listings` are commands: `listing_command` makes each of them from the
library's own signature, which `filter_options` reads, and from `shared_options`. `listing` then writes what a `query`
asks of a `server` to its destination, in `output`. `columns` say how each listing looks as a table, and `failures` what
went wrong. `sandbox_command` runs a `standing_sandbox`.
"""

from .process import run

__all__ = ["run"]
