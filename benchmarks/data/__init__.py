"""The items that are listed, made up from a seed.

Nothing here comes from the package's sandbox, because the package was developed with the sandbox's data. IDs, names and
dates vary as they do in a factory: names have accents and quotes, lengths differ, and some values are null.
"""
