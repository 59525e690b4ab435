"""Converts between the API's bytes and values. All functions are pure: no I/O, no clock.

- `response` has an HTTP response, and reads the page or error in it.
- `codec` reads pages of models or raw items, and reads and writes single
  items. `structs` has the types that msgspec parses for models.
- `detailed` reads a faulty body again to find the fault, and writes models as JSON.
- `own` reads pages and items into the user's classes.
- `times` reads and writes dates and durations.
"""
