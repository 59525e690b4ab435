"""The command line: what the library streams, as a table, JSON, CSV, Parquet or a workbook.

`app` is the command line as a whole, and runs a command as a process. `listing` has the command of each listing, which
writes pages to its `output`: standard output, or a file that another run completes. Its `options` are made from the
listing's declaration, and choose the server. `formats` are how items are written, `xlsx` makes a workbook, and
`progress` shows how far a listing is. `messages` say what went wrong, in lines that cannot steer a terminal. `get`
shows an item, `download` fetches attachments, `mirror` keeps a database, `check` reads a receipt, `doctor` looks at
how a server lists, and `sandbox` runs one.
"""

from .app import run

__all__ = ["run"]
