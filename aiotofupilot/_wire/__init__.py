"""What bytes and texts of the API mean. Everything here is a pure function: no I/O, no clock, no event loop.

`response` is an answer. `codec` reads the models of a page from its body: msgspec parses `shapes`, and `assembly` makes
models of them, or `settling` makes them hold what their models would hold. Where a body does not fit, `detailed` finds
the fault step by step. `raw` leaves items as the server sent them. `reading` is for an item from somewhere else, and
`spelling` for the way back. `converters` hold the rules of both ways.

`moments` reads dates and durations. `query` is how a listing is asked. `problems` reads errors, and `quotas` reads what
is left of a rate limit, from `structured` header fields.
"""
