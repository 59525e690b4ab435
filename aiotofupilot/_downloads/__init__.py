"""Attachments as files. How one is received over HTTP is said in `_http`.

- `downloads` downloads one attachment, or many at once.
- `part` is the part of a file that has arrived, on disk.
- `names` makes names of files of what servers and people have written.
"""
