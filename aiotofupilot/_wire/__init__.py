"""What bytes and texts of the API mean. Everything here is a pure function: no I/O, no clock, no event loop."""
