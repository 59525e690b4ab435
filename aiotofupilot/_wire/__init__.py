"""Turns the bytes and texts of the API into values, and values into texts. All functions are pure: no I/O, no clock.

`response` is an answer. `codec` reads the models of a page from its body: msgspec parses `shapes`, and `assembly` makes
models of them, or `settling` makes them hold what their models would hold. Where a body does not fit, `detailed` finds
the fault step by step. `raw` leaves items as the server sent them. `reading` is for an item from somewhere else, and
`spelling` for the way back. `converters` hold the rules of both ways.

`moments` reads dates and durations. `query` is how a listing is asked. `problems` reads errors, and `quotas` reads what
is left of a rate limit, from `structured` header fields.
"""
