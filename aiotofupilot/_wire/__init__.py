"""Turns the bytes and texts of the API into values, and values into texts. All functions are pure: no I/O, no clock.

- `response` is an HTTP response, and the page or the error in it.
- `codec` reads the models of a page from its body, or items as the server sent them. It also reads and writes single
  items. `structs` has the types that msgspec parses for models.
- `detailed` reads a faulty body again, step by step, to find the fault. It also writes models as JSON.
- `own` reads pages and items into classes of the user's own.
- `times` reads and writes dates and durations.
"""
