"""Turns attachments of runs and units into files.

- `download` downloads an attachment to a name that works on every system. It reads a run or a unit again if an address
  has expired.
- `storage` receives a file by a presigned address from a storage, which is not the API's server.
"""
