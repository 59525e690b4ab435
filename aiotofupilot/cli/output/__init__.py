"""Where a listing goes and how it looks there.

`destinations` are standard output, a device, or one of the `files`, which keep a `journal` for another run to resume;
`streams` and `descriptors` are what they are made of, and `unbuffered` writes past Python's buffers. `formats`, the
`table` and `parquet` are how items are written, by `format_choice`. `terminal` says what a terminal is and may be
shown. `progress_display` shows the `progress`, as a `bar` where somebody watches.
"""
