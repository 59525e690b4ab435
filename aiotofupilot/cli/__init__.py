"""The command line: what the library streams, as a table, JSON, CSV or Parquet.

`app` is the command line as a whole, and runs a command as a process. `listing` has the command of each listing, which
writes pages to its `output`: standard output, or a file that another run completes. Its `options` are made from the
listing's declaration, and choose the server. `formats` are how items are written, and `tables` what is shown of each
listing. `progress` shows how far a listing is, `terminal` says what a terminal may be shown, and `failures` what went
wrong. `get` shows an item, `download` fetches attachments, `mirror` keeps a database, and `sandbox` runs a server.
"""

from .app import run

__all__ = ["run"]
