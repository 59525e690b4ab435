"""The items as msgspec's structs: the same fields and types as this package's models, written out for msgspec alone.

The modules are imported by the process that measures msgspec, and by no other.
"""
