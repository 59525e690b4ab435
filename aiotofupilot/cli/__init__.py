"""The command line, which writes listings as a table, JSON, CSV, Parquet or a workbook.

`app` is the whole command line, and runs a command as a process. `listing` has the command of each listing, which
writes pages to its `output`: standard output, or a file that another run can complete. Its `options` come from the
listing's declaration, and choose the server. `formats` write items, `xlsx` makes a workbook, and `progress` shows
progress. `messages` are lines that cannot steer a terminal. `get` shows an item, `download` fetches attachments,
`mirror` keeps a database, `check` reads a receipt, `doctor` examines how a server lists, and `sandbox` runs one.
"""

from .app import run

__all__ = ["run"]
