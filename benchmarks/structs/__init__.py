"""The items as msgspec's structs: the same fields and types as this package's models, written out for msgspec alone.

Only the process that measures msgspec imports these modules.
"""
