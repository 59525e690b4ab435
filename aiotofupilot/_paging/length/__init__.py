"""How long a listing is, and how it is cut into parts. Both go by positions, so they need cursors that are offsets.

`counting` finds out how many items there are, by the `extent` that a few pages show. `sharding` cuts a listing into
parts of like size.
"""
