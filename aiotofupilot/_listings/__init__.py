"""What can be listed: one file for each listing, with its path, its model and the filters of its ``list()``.

`listing` is what all of them have in common, `filters` check and spell one argument each, and `choices` are the values
that arguments can have.
"""
