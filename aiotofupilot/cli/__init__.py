"""The command line, which writes listings as a table, JSON, CSV, Parquet or a workbook.

`app` runs a command as a process. `listing` has the command of each listing. Its `options` come from the listing's
declaration. Its `output` is standard output, or a file that another run can complete. `formats` write items, `xlsx`
makes a workbook, `progress` shows progress, and `messages` are lines that cannot steer a terminal. `get` shows an item,
`download` fetches attachments, `mirror` keeps a database, `check` reads a receipt, `doctor` examines how a server
lists, and `sandbox` runs one.
"""

from .app import run

__all__ = ["run"]
