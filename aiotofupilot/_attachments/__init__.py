"""How an attachment of a run or a unit becomes a file.

- `download` downloads one attachment, or many at once, into files whose names work on every system. A run or a unit is
  read again where an address has expired.
- `storage` receives a file from a storage, which is another server than the API's, by a presigned address.
- `part` is what has arrived of a file, on disk.
"""
