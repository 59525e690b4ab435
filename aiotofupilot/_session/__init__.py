"""The session: what a program gives it, and the files that it downloads.

- `session` has the key, the options and the ownership, and puts listings and HTTP together.
- `downloads` downloads one attachment, or many at once. How one is received is said in `_http`.
- `names` makes names of files of what servers and people have written.
"""
